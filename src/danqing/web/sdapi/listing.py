"""A1111's lists of what there is: samplers, schedules, upscalers, model files, styles. Pure, from tables and what the catalog tells."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from danqing.base.protocols import ModelFile
from danqing.base.table import Table
from danqing.diffusion.names import SAMPLER_FACTS, SCHEDULE_NAMES
from danqing.painting.plan import LATENT_UPSCALERS
from danqing.prompt.styles import Style

ENLARGERS = ("None", "Lanczos", "Nearest")
"""A1111's first three upscalers, which need no file."""
RHO: Mapping[str, float] = {"Karras": 7.0, "Polyexponential": 1.0}
NEEDS_THE_MODEL = ("Uniform", "SGM Uniform", "Simple", "Normal", "DDIM", "Beta")
SHORT: Mapping[str, str] = {
    "SGM Uniform": "sgm_uniform",
    "KL Optimal": "kl_optimal",
    "Align Your Steps": "align_your_steps",
}


def samplers() -> list[dict[str, Any]]:
    """GET /samplers."""
    return [
        {"name": name, "aliases": _aliases(SAMPLER_FACTS, name), "options": _options(name)} for name in SAMPLER_FACTS
    ]


def _options(name: str) -> dict[str, str]:
    """A1111's options are texts; the two that clients look at are told."""
    facts = SAMPLER_FACTS.find(name)
    options = {"scheduler": _short(facts.schedule)} if facts.schedule != "Automatic" else {}
    options |= {"uses_ensd": "True"} if facts.uses_ensd else {}
    options |= {"discard_next_to_last_sigma": "True"} if facts.discard_penultimate else {}
    return options | ({"second_order": "True"} if facts.doubled else {})


def schedulers() -> list[dict[str, Any]]:
    """GET /schedulers."""
    return [
        {
            "name": _short(label),
            "label": label,
            "aliases": [alias for alias in _aliases(SCHEDULE_NAMES, label) if alias != _short(label)] or None,
            "default_rho": RHO.get(label, -1.0),
            "need_inner_model": label in NEEDS_THE_MODEL,
        }
        for label in SCHEDULE_NAMES
    ]


def _short(label: str) -> str:
    return SHORT.get(label, label.casefold())


def _aliases(table: Table[Any], name: str) -> list[str]:
    return [alias for alias, meant in table.aliases.items() if meant == name]


def upscalers(files: Iterable[ModelFile]) -> list[dict[str, Any]]:
    """GET /upscalers: those without a file, then the files."""
    plain = [_upscaler(name, None, None) for name in ENLARGERS]
    return plain + [_upscaler(file.name, file.name, str(file.path)) for file in files]


def _upscaler(name: str, model: str | None, path: str | None) -> dict[str, Any]:
    return {"name": name, "model_name": model, "model_path": path, "model_url": None, "scale": 4}


def latent_modes() -> list[dict[str, str]]:
    """GET /latent-upscale-modes."""
    return [{"name": name} for name in LATENT_UPSCALERS]


def checkpoints(files: Iterable[ModelFile]) -> list[dict[str, Any]]:
    """GET /sd-models. A hash that nobody has worked out yet is null, as in A1111."""
    return [
        {
            "title": file.title or file.name,
            "model_name": file.name,
            "hash": file.sha256[:10] or None,
            "sha256": file.sha256 or None,
            "filename": str(file.path),
            "config": None,
        }
        for file in files
    ]


def vaes(files: Iterable[ModelFile]) -> list[dict[str, str]]:
    """GET /sd-vae."""
    return [{"model_name": file.path.name, "filename": str(file.path)} for file in files]


def hypernetworks(files: Iterable[ModelFile]) -> list[dict[str, str]]:
    """GET /hypernetworks."""
    return [{"name": file.name, "path": str(file.path)} for file in files]


def loras(files: Iterable[ModelFile], metadata: Callable[[ModelFile], Mapping[str, str]]) -> list[dict[str, Any]]:
    """GET /loras; `metadata` reads the header of a file."""
    return [
        {"name": file.name, "alias": file.name, "path": str(file.path), "metadata": dict(metadata(file))}
        for file in files
    ]


def embeddings(files: Iterable[ModelFile], shape: Callable[[ModelFile], tuple[int, int]]) -> dict[str, Any]:
    """GET /embeddings; `shape` gives (vectors, width), (0, 0) for a file that can't be used."""
    loaded: dict[str, Any] = {}
    skipped: dict[str, Any] = {}
    for file in files:
        vectors, width = shape(file)
        entry = {"step": None, "sd_checkpoint": None, "sd_checkpoint_name": None, "shape": width, "vectors": vectors}
        (loaded if vectors else skipped)[file.name] = entry
    return {"loaded": loaded, "skipped": skipped}


def styles(known: Mapping[str, Style]) -> list[dict[str, str]]:
    """GET /prompt-styles."""
    return [
        {"name": style.name, "prompt": style.prompt, "negative_prompt": style.negative_prompt}
        for style in known.values()
    ]
