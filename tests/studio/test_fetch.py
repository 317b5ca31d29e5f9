"""Model files brought home: from a server on this machine, and out of a wheel that is made here."""

import hashlib
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from danqing.base.errors import FileWriteError, ModelError
from danqing.base.refs import ModelRef
from danqing.studio.catalog import FolderCatalog
from danqing.studio.fetch import Fetcher, Wanted
from danqing.studio.fetch_packs import Pack, PackedModel, fetch_pack, find_pack, packs
from danqing.studio.home import Home, model_folders
from danqing.weights.hashes import HashCache, sha256_of_model
from danqing.weights.save import write_tensors
from danqing.weights.upscalers.ncnn import read_ncnn
from tests.studio.files import EMBEDDING, LORA, write_safetensors
from tests.studio.test_fetch_http import HERE
from tests.studio.web_server import Served, WebServer, serving
from tests.weights.upscalers.published import Compact
from tests.weights.upscalers.test_ncnn import ncnn_files


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture
def web(tmp_path: Path) -> Iterator[WebServer]:
    lora = write_safetensors(tmp_path / "lora.safetensors", LORA).read_bytes()
    embedding = write_safetensors(tmp_path / "embedding.safetensors", EMBEDDING).read_bytes()
    unknown = write_safetensors(tmp_path / "unknown.safetensors", {"x": (2, 2)}).read_bytes()
    with serving(
        lora=Served(lora, headers={"Content-Disposition": 'attachment; filename="ink.safetensors"'}),
        embedding=Served(embedding),
        unknown=Served(unknown),
        page=Served(b"<!DOCTYPE html><html>log in first</html>"),
    ) as server:
        yield server


def get(home: Home, wanted: Wanted) -> Path:
    (found,) = Fetcher(home, reach=HERE).get(wanted)
    return found.path


def downloads(home: Home) -> list[Path]:
    return sorted((home.cache / "downloads").glob("*"))


def test_a_file_goes_where_its_kind_belongs(home: Home, web: WebServer) -> None:
    (found,) = Fetcher(home, reach=HERE).get(Wanted(web.url("/lora")))
    assert found.path == home.root / "models" / "Lora" / "ink.safetensors"
    assert found.sha256 == hashlib.sha256(web.files["/lora"].body).hexdigest() == sha256_of_model(found.path)
    assert (found.kind, found.note, found.was_there) == ("lora", "LoRA for SD 1.x", False)
    assert downloads(home) == []


def test_the_catalog_finds_what_was_fetched(home: Home, web: WebServer) -> None:
    get(home, Wanted(web.url("/lora"), name="brush.safetensors"))
    catalog = FolderCatalog(model_folders(home), HashCache(home.cache / "hashes.json"))
    assert catalog.find(ModelRef(name="brush"), "lora").kind == "lora"


def test_a_name_without_an_ending_gets_the_one_of_its_container(home: Home, web: WebServer) -> None:
    assert get(home, Wanted(web.url("/embedding"))).name == "embedding.safetensors"


@pytest.mark.parametrize("name", ["../../outside.safetensors", "..\\outside.safetensors", "/etc/outside.safetensors"])
def test_a_name_never_leads_out_of_its_folder(name: str, home: Home, web: WebServer) -> None:
    assert get(home, Wanted(web.url("/lora"), name=name)) == home.root / "models" / "Lora" / "outside.safetensors"


def test_a_file_that_is_there_already_is_not_kept_twice(home: Home, web: WebServer) -> None:
    get(home, Wanted(web.url("/lora")))
    (again,) = Fetcher(home, reach=HERE).get(Wanted(web.url("/lora")))
    assert again.was_there
    assert [path.name for path in again.path.parent.iterdir()] == ["ink.safetensors"]


def test_another_file_of_the_same_name_stays(home: Home, web: WebServer) -> None:
    mine = write_safetensors(home.root / "models" / "Lora" / "ink.safetensors", EMBEDDING)
    before = mine.read_bytes()
    assert get(home, Wanted(web.url("/lora"))).name == "ink-1.safetensors"
    assert mine.read_bytes() == before


def test_a_file_with_another_hash_than_promised_is_thrown_away(home: Home, web: WebServer) -> None:
    with pytest.raises(ModelError, match="was promised; the file was thrown away"):
        get(home, Wanted(web.url("/lora"), sha256="ab" * 32))
    assert not (home.root / "models").exists()
    assert downloads(home) == []
    right = hashlib.sha256(web.files["/lora"].body).hexdigest()
    assert get(home, Wanted(web.url("/lora"), sha256=right[:10].upper())).exists()


def test_a_web_page_is_told_from_a_model(home: Home, web: WebServer) -> None:
    with pytest.raises(ModelError, match="page: this is a web page"):
        get(home, Wanted(web.url("/page")))
    assert downloads(home) == []


def test_a_file_of_unknown_kind_is_kept_until_its_kind_is_said(home: Home, web: WebServer) -> None:
    with pytest.raises(ModelError, match="--kind says where it goes"):
        get(home, Wanted(web.url("/unknown")))
    asked = len(web.asked)
    path = get(home, Wanted(web.url("/unknown"), kind="controlnet"))
    assert path.parent == home.root / "extensions" / "sd-webui-controlnet" / "models"
    assert "range" in web.asked[asked][1]  # nothing came twice


@pytest.fixture
def pack(tmp_path: Path) -> Pack:
    """A wheel with one network in it, and its pack."""
    param, data = ncnn_files(Compact(layers=1, scale=2, width=5).drawn(), resizes=1)
    wheel = tmp_path / "wheels" / "p-1-py3-none-any.whl"
    wheel.parent.mkdir()
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, text in (("p/a.param", param), ("p/a.bin", data), ("LICENSE", "do as you like"), ("p/run.py", "!")):
            archive.writestr(name, text)
    made = tmp_path / "made.safetensors"
    write_tensors(made, read_ncnn(param, data, "a"), {"origin": "p 1, p/a.bin", "licence": "MIT"})
    model = PackedModel("An upscaler", "p/a.param", "p/a.bin", sha256_of_model(made))
    sha256 = sha256_of_model(wheel)
    return Pack("small", "p", "1", wheel.name, sha256, "3.11", "any", "LICENSE", "MIT", (model,))


def at_hand(pack: Pack, tmp_path: Path) -> Path:
    return tmp_path / "wheels" / pack.wheel


def test_a_pack_becomes_files_that_every_tool_reads_with_its_licence_beside_them(pack: Pack, tmp_path: Path) -> None:
    folder = tmp_path / "ESRGAN"
    (path,) = fetch_pack(pack, folder, lambda pack, into: at_hand(pack, tmp_path))
    assert sorted(one.name for one in folder.iterdir()) == ["An upscaler.safetensors", "small LICENCE.txt"]
    assert sha256_of_model(path) == pack.models[0].sha256
    licence = (folder / "small LICENCE.txt").read_text("utf-8")
    assert "do as you like" in licence
    assert pack.sha256 in licence


def test_a_pack_that_is_there_is_not_fetched_again(pack: Pack, tmp_path: Path) -> None:
    def never(pack: Pack, into: Path) -> Path:
        raise AssertionError("fetched again")

    first = list(fetch_pack(pack, tmp_path / "ESRGAN", lambda pack, into: at_hand(pack, tmp_path)))
    assert list(fetch_pack(pack, tmp_path / "ESRGAN", never)) == first


def test_another_wheel_than_the_known_one_is_refused(pack: Pack, tmp_path: Path) -> None:
    at_hand(pack, tmp_path).write_bytes(b"PK something else")
    with pytest.raises(ModelError, match="isn't the wheel that is known"):
        list(fetch_pack(pack, tmp_path / "ESRGAN", lambda pack, into: at_hand(pack, tmp_path)))
    assert list((tmp_path / "ESRGAN").iterdir()) == []


def test_a_users_file_is_not_overwritten_by_a_packs(pack: Pack, tmp_path: Path) -> None:
    mine = tmp_path / "ESRGAN" / "An upscaler.safetensors"
    mine.parent.mkdir()
    mine.write_bytes(b"mine")
    with pytest.raises(FileWriteError, match="is another file"):
        list(fetch_pack(pack, mine.parent, lambda pack, into: at_hand(pack, tmp_path)))
    assert mine.read_bytes() == b"mine"


def test_a_network_that_comes_out_otherwise_is_not_kept(pack: Pack, tmp_path: Path) -> None:
    other = replace(pack, models=(replace(pack.models[0], sha256="00" * 32),))
    with pytest.raises(ModelError, match="please report this"):
        list(fetch_pack(other, tmp_path / "ESRGAN", lambda pack, into: at_hand(pack, tmp_path)))
    assert not (tmp_path / "ESRGAN" / "An upscaler.safetensors").exists()


def test_every_pack_is_pinned() -> None:
    for found in packs().values():
        hashes = [found.sha256, *(model.sha256 for model in found.models)]
        assert all(len(one) == 64 and int(one, 16) for one in hashes)
        assert found.licence
    with pytest.raises(ModelError, match="did you mean real-esrgan"):
        find_pack("real-esrgn")
