"""Downloads from a server on this machine. The check of addresses is the real one in its own tests, and lets 127.0.0.1 pass in the others."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest

from danqing.base.errors import ModelError
from danqing.studio.fetch_http import Reach, download, forget, is_public, read_json
from tests.studio.web_server import Served, WebServer, serving

HERE = Reach(schemes=("http",), allows=lambda address: address == "127.0.0.1", wait=lambda seconds: None)
BODY = bytes(range(256)) * 2000


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2001:4860:4860::8888", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("::ffff:127.0.0.1", False),
        ("2002:7f00:0001::", False),
        ("64:ff9b::7f00:1", False),
        ("64:ff9b::808:808", True),
    ],
)
def test_only_the_open_internet_is_public(address: str, public: bool) -> None:
    assert is_public(address) is public


@pytest.mark.parametrize("url", ["https://127.0.0.1/a", "https://localhost/a", "https://[::1]/a"])
def test_nothing_is_fetched_from_this_machine(url: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="lies in its own network"):
        download(url, tmp_path / "part", Reach())


@pytest.mark.parametrize("url", ["http://example.org/a", "file:///etc/passwd", "ftp://example.org/a", "https:///a"])
def test_only_https_is_fetched_from(url: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="only https addresses"):
        download(url, tmp_path / "part", Reach())


def test_an_address_with_a_password_in_it_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="name and password"):
        download("https://me:secret@example.org/a", tmp_path / "part", Reach())


def test_a_redirect_is_looked_at_like_the_first_address(tmp_path: Path) -> None:
    with serving(away=Served(status=302, headers={"Location": "https://192.168.0.1/secret"})) as web:
        with pytest.raises(ModelError, match="only http addresses"):
            download(web.url("/away"), tmp_path / "part", HERE)
        reach = replace(HERE, schemes=("http", "https"))
        with pytest.raises(ModelError, match=r"192.168.0.1 is this machine or lies in its own network"):
            download(web.url("/away"), tmp_path / "part", reach)


def test_a_circle_of_redirects_ends(tmp_path: Path) -> None:
    with serving(round=Served(status=302, headers={"Location": "/round"})) as web:
        with pytest.raises(ModelError, match="without end"):
            download(web.url("/round"), tmp_path / "part", HERE)
        assert len(web.asked) < 12


def test_a_file_arrives_whole_with_its_hash_and_progress(tmp_path: Path) -> None:
    told: list[tuple[int, int | None]] = []
    with serving(model=Served(BODY)) as web:
        got = download(web.url("/model"), tmp_path / "part", HERE, told=lambda done, total: told.append((done, total)))
    assert got.path.read_bytes() == BODY
    assert got.sha256 == hashlib.sha256(BODY).hexdigest()
    assert told[0] == (0, len(BODY))
    assert told[-1] == (len(BODY), len(BODY))


@pytest.mark.parametrize(
    ("headers", "name"),
    [
        ({}, "model"),
        ({"Content-Disposition": 'attachment; filename="a b.safetensors"'}, "a b.safetensors"),
        ({"Content-Disposition": "attachment; filename=plain.pth; x=1"}, "plain.pth"),
        ({"Content-Disposition": "attachment; filename=x; filename*=UTF-8''%E5%A2%A8.pt"}, "墨.pt"),
    ],
)
def test_a_file_has_the_name_that_the_server_says(headers: dict[str, str], name: str, tmp_path: Path) -> None:
    with serving(model=Served(BODY, headers=headers)) as web:
        assert download(web.url("/model"), tmp_path / "part", HERE).name == name


def test_a_broken_line_is_taken_up_where_it_broke(tmp_path: Path) -> None:
    with serving(model=Served(BODY, breaks_at=100_000)) as web:
        got = download(web.url("/model"), tmp_path / "part", HERE)
        ranges = [headers.get("range") for _, headers in web.asked]
    assert got.path.read_bytes() == BODY
    assert ranges == [None, "bytes=100000-"]


def test_what_was_half_fetched_is_continued_the_next_time(tmp_path: Path) -> None:
    part = tmp_path / "part"
    once = replace(HERE, wait=_give_up)
    with serving(model=Served(BODY, breaks_at=70_000)) as web:
        with pytest.raises(KeyboardInterrupt):
            download(web.url("/model"), part, once)
        assert part.stat().st_size == 70_000
        assert download(web.url("/model"), part, HERE).path.read_bytes() == BODY
        assert web.asked[-1][1]["range"] == "bytes=70000-"


def _give_up(seconds: float) -> None:
    raise KeyboardInterrupt


def test_a_file_that_changed_meanwhile_is_fetched_anew(tmp_path: Path) -> None:
    part = tmp_path / "part"
    with serving(model=Served(BODY, breaks_at=70_000)) as web:
        with pytest.raises(KeyboardInterrupt):
            download(web.url("/model"), part, replace(HERE, wait=_give_up))
        web.files["/model"] = Served(BODY[::-1], tag='"two"')
        assert download(web.url("/model"), part, HERE).path.read_bytes() == BODY[::-1]


def test_the_part_of_another_address_is_not_continued(tmp_path: Path) -> None:
    part = tmp_path / "part"
    with serving(one=Served(BODY), two=Served(BODY[::-1])) as web:
        download(web.url("/one"), part, HERE)
        assert download(web.url("/two"), part, HERE).path.read_bytes() == BODY[::-1]
        assert "range" not in web.asked[-1][1]


def test_a_part_that_is_whole_already_is_not_fetched_again(tmp_path: Path) -> None:
    part = tmp_path / "part"
    with serving(model=Served(BODY)) as web:
        first = download(web.url("/model"), part, HERE)
        again = download(web.url("/model"), part, HERE)
    assert (again.sha256, again.path.read_bytes()) == (first.sha256, BODY)
    forget(part)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("length", [True, False])
def test_a_file_that_is_too_large_is_refused_also_when_its_length_was_not_told(length: bool, tmp_path: Path) -> None:
    with (
        serving(model=Served(BODY, length=length)) as web,
        pytest.raises(ModelError, match="--most-gb"),
    ):
        download(web.url("/model"), tmp_path / "part", replace(HERE, most_bytes=100_000))


@pytest.mark.parametrize(("status", "word"), [(403, "HF_TOKEN"), (404, "no such file"), (418, "answers 418")])
def test_a_refusal_is_told_plainly(status: int, word: str, tmp_path: Path) -> None:
    with serving(model=Served(b"no", status=status)) as web, pytest.raises(ModelError, match=word):
        download(web.url("/model"), tmp_path / "part", HERE)


def test_a_server_that_is_busy_is_asked_again(tmp_path: Path) -> None:
    waits: list[float] = []
    with serving(model=Served(status=503)) as web:
        reach = replace(HERE, wait=lambda seconds: _mend(web, waits, seconds))
        assert download(web.url("/model"), tmp_path / "part", reach).path.read_bytes() == BODY
    assert len(waits) == 1


def _mend(web: WebServer, waits: list[float], seconds: float) -> None:
    waits.append(seconds)
    web.files["/model"] = Served(BODY)


def test_a_key_goes_to_the_host_it_was_meant_for_and_to_no_other(tmp_path: Path) -> None:
    with serving(model=Served(BODY)) as files, serving() as hub:
        hub.files["/to"] = Served(status=302, headers={"Location": files.url("/model", host="localhost")})
        key = {"Authorization": "Bearer secret"}
        download(hub.url("/to"), tmp_path / "part", replace(HERE, allows=lambda address: True), key)
        assert hub.asked[0][1]["authorization"] == "Bearer secret"
        assert "authorization" not in files.asked[0][1]


def test_the_hash_that_a_hub_promises_on_the_way_is_kept(tmp_path: Path) -> None:
    promised = "ab" * 32
    with serving(model=Served(BODY)) as web:
        web.files["/to"] = Served(status=302, headers={"Location": "/model", "X-Linked-ETag": f'"{promised}"'})
        assert download(web.url("/to"), tmp_path / "part", HERE).promised == promised


def test_json_is_read_and_anything_else_refused() -> None:
    with serving(good=Served(json.dumps({"a": 1}).encode()), bad=Served(b"<html>"), list=Served(b"[1]")) as web:
        assert read_json(web.url("/good"), HERE) == {"a": 1}
        for path in ("/bad", "/list"):
            with pytest.raises(ModelError, match="could be understood"):
                read_json(web.url(path), HERE)
