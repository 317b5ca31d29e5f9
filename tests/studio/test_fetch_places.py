from collections.abc import Mapping
from typing import Any

import pytest

from danqing.base.errors import ModelError
from danqing.studio.fetch_places import place_of

MODEL = {
    "type": "LORA",
    "modelVersions": [
        {
            "id": 22,
            "files": [
                {"name": "config.yaml", "downloadUrl": "https://civitai.com/api/download/1"},
                {
                    "name": "ink.safetensors",
                    "primary": True,
                    "downloadUrl": "https://civitai.com/api/download/models/22",
                    "hashes": {"SHA256": "AB" * 32},
                },
            ],
        },
        {"id": 11, "downloadUrl": "https://civitai.com/api/download/models/11", "files": []},
    ],
}


def nothing(url: str, headers: Mapping[str, str]) -> dict[str, Any]:
    raise AssertionError("nobody is asked")


def civitai(url: str, headers: Mapping[str, str]) -> dict[str, Any]:
    assert url == "https://civitai.com/api/v1/models/7"
    return MODEL


@pytest.mark.parametrize(
    ("words", "url"),
    [
        ("https://example.org/a.pth", "https://example.org/a.pth"),
        (
            "hf:owner/name/dir/a b.safetensors",
            "https://huggingface.co/owner/name/resolve/main/dir/a%20b.safetensors",
        ),
        ("hf:owner/name/a.pth@v1/x", "https://huggingface.co/owner/name/resolve/v1%2Fx/a.pth"),
        (
            "https://huggingface.co/o/n/blob/main/a.safetensors",
            "https://huggingface.co/o/n/resolve/main/a.safetensors",
        ),
    ],
)
def test_words_lead_to_an_address(words: str, url: str) -> None:
    assert place_of(words, nothing, {}).url == url


@pytest.mark.parametrize("words", ["civitai:7", "https://civitai.com/models/7/ink?foo=1"])
def test_civitai_is_asked_for_the_newest_file_of_a_model(words: str) -> None:
    place = place_of(words, civitai, {})
    assert place.url == "https://civitai.com/api/download/models/22"
    assert (place.name, place.sha256, place.kind) == ("ink.safetensors", "ab" * 32, "lora")


@pytest.mark.parametrize("words", ["civitai:7@11", "https://civitai.com/models/7?modelVersionId=11"])
def test_a_version_can_be_asked_for(words: str) -> None:
    assert place_of(words, civitai, {}).url.endswith("/11")


@pytest.mark.parametrize(
    ("words", "word"),
    [
        ("ink", "possible: an https address"),
        ("hf:owner/name", "names no file"),
        ("civitai:ink", "have numbers"),
        ("civitai:7@99", "it has: 22, 11"),
    ],
)
def test_words_that_mean_nothing_are_refused(words: str, word: str) -> None:
    with pytest.raises(ModelError, match=word):
        place_of(words, civitai, {})


def test_keys_are_taken_from_the_environment_for_their_own_place() -> None:
    keys = {"HF_TOKEN": "h", "CIVITAI_TOKEN": "c"}
    assert place_of("hf:o/n/a.pth", nothing, keys).headers == {"Authorization": "Bearer h"}
    assert place_of("civitai:7", civitai, keys).headers == {"Authorization": "Bearer c"}
    assert place_of("https://example.org/a.pth", nothing, keys).headers == {}
