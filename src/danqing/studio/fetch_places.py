"""What stands behind the words of `models get`: an address, civitai:ID, hf:owner/name/file. Asks Civitai for the file of a model."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, cast
from urllib.parse import parse_qs, quote, urlsplit

from danqing.base.errors import ModelError
from danqing.base.protocols import ModelKind

ReadJson = Callable[[str, Mapping[str, str]], dict[str, Any]]
"""(address, headers): the JSON object that is there."""

HUGGING_FACE = "https://huggingface.co"
CIVITAI = "https://civitai.com"
FORMS = "possible: an https address, civitai:ID, civitai:ID@VERSION, hf:owner/name/file, pack:NAME"
CIVITAI_KINDS: Mapping[str, ModelKind] = MappingProxyType(
    {
        "Checkpoint": "checkpoint",
        "LORA": "lora",
        "LoCon": "lora",
        "DoRA": "lora",
        "TextualInversion": "embedding",
        "Hypernetwork": "hypernet",
        "Controlnet": "controlnet",
        "Upscaler": "upscaler",
        "VAE": "vae",
    }
)


@dataclass(frozen=True)
class Place:
    """Where a file lies. `sha256` and `kind` as far as the place tells; `headers` are for its host alone."""

    url: str
    name: str = ""
    sha256: str = ""
    kind: ModelKind = "unknown"
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


def place_of(words: str, read_json: ReadJson, environment: Mapping[str, str]) -> Place:
    """The place that the words mean. Raises ModelError when they mean none."""
    said = words.strip()
    if said.startswith("hf:"):
        return _hugging_face(said.removeprefix("hf:"), environment)
    if said.startswith("civitai:"):
        model, _, wanted = said.removeprefix("civitai:").partition("@")
        return _civitai(model, wanted, read_json, environment)
    if "://" not in said:
        raise ModelError(f"{said!r} says nothing that could be fetched; {FORMS}")
    parts = urlsplit(said)
    if parts.hostname in ("civitai.com", "www.civitai.com") and (
        found := re.fullmatch(r"/models/(\d+)(/.*)?", parts.path)
    ):
        wanted = parse_qs(parts.query).get("modelVersionId", [""])[0]
        return _civitai(found[1], wanted, read_json, environment)
    if parts.hostname in ("huggingface.co", "www.huggingface.co"):
        return Place(
            said.replace("/blob/", "/resolve/", 1), headers=_key(environment, "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")
        )
    return Place(said)


def _hugging_face(said: str, environment: Mapping[str, str]) -> Place:
    path, _, revision = said.partition("@")
    owner, _, rest = path.partition("/")
    name, _, file = rest.partition("/")
    if not (owner and name and file):
        raise ModelError(f"'hf:{said}' names no file; write hf:owner/name/file, perhaps with @revision behind it")
    url = f"{HUGGING_FACE}/{quote(owner)}/{quote(name)}/resolve/{quote(revision or 'main', safe='')}/{quote(file)}"
    return Place(url, headers=_key(environment, "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"))


def _civitai(model: str, wanted: str, read_json: ReadJson, environment: Mapping[str, str]) -> Place:
    if not model.isdigit() or (wanted and not wanted.isdigit()):
        raise ModelError(f"Civitai's models have numbers, and {model!r} is none; it stands in the model's address")
    headers = _key(environment, "CIVITAI_TOKEN")
    about = read_json(f"{CIVITAI}/api/v1/models/{model}", headers)
    versions = [one for one in _dicts(about.get("modelVersions")) if not wanted or str(one.get("id")) == wanted]
    if not versions:
        known = ", ".join(str(one.get("id")) for one in _dicts(about.get("modelVersions"))[:8])
        raise ModelError(f"Civitai's model {model} has no version {wanted or 'at all'}; it has: {known or 'none'}")
    files = _dicts(versions[0].get("files"))
    file = next((one for one in files if one.get("primary")), files[0] if files else {})
    url = str(file.get("downloadUrl") or versions[0].get("downloadUrl") or "")
    if not url:
        raise ModelError(f"Civitai's model {model} has no file that can be fetched")
    hashes = file.get("hashes")
    sha256 = str(cast("dict[str, Any]", hashes).get("SHA256") or "").lower() if isinstance(hashes, dict) else ""
    kind = CIVITAI_KINDS.get(str(about.get("type")), "unknown")
    return Place(url, str(file.get("name") or ""), sha256, kind, headers)


def _dicts(found: object) -> list[dict[str, Any]]:
    if not isinstance(found, list):
        return []
    items = cast("list[object]", found)
    return [cast("dict[str, Any]", one) for one in items if isinstance(one, dict)]


def _key(environment: Mapping[str, str], *names: str) -> Mapping[str, str]:
    key = next((environment[name].strip() for name in names if environment.get(name, "").strip()), "")
    return {"Authorization": f"Bearer {key}"} if key else {}
