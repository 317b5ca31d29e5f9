from collections.abc import Iterator
from pathlib import Path

import pytest

from danqing.studio.fetch import Fetched, Fetcher, Wanted
from tests.cli.conftest import Danqing
from tests.studio.files import EMBEDDING, LORA, write_safetensors


def with_lora(danqing: Danqing, name: str = "ink") -> Path:
    return write_safetensors(danqing.home / "models" / "Lora" / f"{name}.safetensors", LORA)


def test_models_are_listed_with_the_embedded_one_last(danqing: Danqing) -> None:
    with_lora(danqing)
    rows = [line.split("  ") for line in danqing("models").out.splitlines()]
    found = [tuple(word.strip() for word in row if word.strip())[:2] for row in rows]
    assert found == [
        ("toy", "checkpoint"),
        ("ink", "lora"),
        ("danqing 4x", "upscaler"),
        ("danqing-mini", "checkpoint"),
    ]


def test_a_list_can_be_of_one_kind(danqing: Danqing) -> None:
    with_lora(danqing)
    assert [model["name"] for model in danqing("models", "list", "--kind", "lora", "--json").json] == ["ink"]
    refused = danqing("models", "--kind", "lorra")
    assert refused.code == 2
    assert "did you mean lora?" in refused.err


def test_an_install_is_listed_too(danqing: Danqing, tmp_path: Path) -> None:
    write_safetensors(tmp_path / "webui" / "embeddings" / "bad-hands.safetensors", EMBEDDING)
    found = danqing("models", "--models-from", str(tmp_path / "webui"), "--json").json
    assert "bad-hands" in [model["name"] for model in found]


def test_everything_about_one_model_is_shown(danqing: Danqing) -> None:
    path = with_lora(danqing)
    shown = danqing("models", "show", "ink", "--json").json
    assert (shown["name"], shown["kind"], shown["family"], shown["usable"]) == ("ink", "lora", "sd1", True)
    assert shown["path"] == str(path)
    assert shown["bytes"] == path.stat().st_size
    assert shown["title"] == f"ink.safetensors [{shown['sha256'][:10]}]"
    assert f"sha256: {shown['sha256']}" in danqing("models", "show", "ink").out


def test_a_hash_is_remembered(danqing: Danqing) -> None:
    with_lora(danqing)
    (row,) = danqing("models", "hash", "ink", "--json").json
    assert danqing("models", "hash", "ink").out == f"{row['sha256']}  ink\n"
    assert danqing("models", "list", "--kind", "lora", "--json").json[0]["sha256"] == row["sha256"]


def test_a_missing_model_is_told_with_its_neighbour(danqing: Danqing) -> None:
    with_lora(danqing, "watercolour")
    ran = danqing("models", "show", "watercolor")
    assert ran.code == 2
    assert "did you mean watercolour?" in ran.err


def test_a_damaged_file_is_listed_with_its_complaint(danqing: Danqing) -> None:
    with_lora(danqing).write_bytes(b"<html>not found</html>")
    out = danqing("models").out
    assert "can't be used" in out
    assert "web page" in out


@pytest.mark.parametrize(
    ("what", "word"),
    [
        ("http://example.org/a.pth", "only https addresses"),
        ("https://127.0.0.1/a.pth", "lies in its own network"),
        ("pack:real-esrgn", "did you mean real-esrgan?"),
        ("ink", "possible: an https address, civitai:ID"),
    ],
)
def test_what_may_not_be_fetched_is_refused(danqing: Danqing, what: str, word: str) -> None:
    ran = danqing("models", "get", what)
    assert ran.code == 2
    assert word in ran.err


def test_a_fetched_model_is_told_with_its_hash(danqing: Danqing, monkeypatch: pytest.MonkeyPatch) -> None:
    path = with_lora(danqing)
    asked: list[Wanted] = []

    def get(self: Fetcher, wanted: Wanted, told: object = None) -> Iterator[Fetched]:
        asked.append(wanted)
        yield Fetched(path, "lora", "LoRA for SD 1.x", "ab" * 32)

    monkeypatch.setattr(Fetcher, "get", get)
    out = danqing("models", "get", "civitai:7", "--kind", "lora", "--sha256", "ab").out
    assert out == f"{path}\n  LoRA for SD 1.x, sha256 {'ab' * 32}\n"
    assert danqing("models", "get", "civitai:7", "--quiet").out == f"{path}\n"
    assert danqing("models", "get", "civitai:7", "--json").json[0]["sha256"] == "ab" * 32
    assert asked[0] == Wanted("civitai:7", "lora", "", "ab")
