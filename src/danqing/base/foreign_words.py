"""How other tools call samplers, schedules and files, in A1111's words. Tables and the look-ups in them, nothing else."""

import json
import re
from types import MappingProxyType
from typing import Any, cast

SAMPLERS = MappingProxyType(
    {
        "euler": "Euler",
        "euler_a": "Euler a",
        "euler_ancestral": "Euler a",
        "heun": "Heun",
        "lms": "LMS",
        "dpm_2": "DPM2",
        "kdpm_2": "DPM2",
        "dpm_2_a": "DPM2 a",
        "dpm_2_ancestral": "DPM2 a",
        "kdpm_2_a": "DPM2 a",
        "dpm_fast": "DPM fast",
        "dpm_adaptive": "DPM adaptive",
        "dpmpp_2s_a": "DPM++ 2S a",
        "dpmpp_2s_ancestral": "DPM++ 2S a",
        "dpmpp_sde": "DPM++ SDE",
        "dpmpp_2m": "DPM++ 2M",
        "dpmpp_2m_sde": "DPM++ 2M SDE",
        "dpmpp_2m_sde_heun": "DPM++ 2M SDE Heun",
        "dpmpp_3m_sde": "DPM++ 3M SDE",
        "ddim": "DDIM",
        "ddim_v3": "DDIM",
        "plms": "PLMS",
        "pndm": "PLMS",
        "unipc": "UniPC",
        "uni_pc": "UniPC",
        "uni_pc_bh2": "UniPC",
        "lcm": "LCM",
        "restart": "Restart",
    }
)
"""ComfyUI's, SwarmUI's, Fooocus', InvokeAI's and NovelAI's names; their prefix k_ and suffixes _gpu and _k are taken off first."""

SCHEDULES = MappingProxyType(
    {
        "normal": "Normal",
        "karras": "Karras",
        "exponential": "Exponential",
        "polyexponential": "Polyexponential",
        "simple": "Simple",
        "sgm_uniform": "SGM Uniform",
        "ddim_uniform": "DDIM",
        "beta": "Beta",
        "kl_optimal": "KL Optimal",
        "align_your_steps": "Align Your Steps",
        "align_your_steps_gits": "Align Your Steps",
        "native": "Automatic",
        "automatic": "Automatic",
        "uniform": "Uniform",
    }
)

MODEL_ENDINGS = re.compile(r"\.(?:safetensors|sft|ckpt|pt|pth|bin|gguf)$", re.IGNORECASE)


def sampler_words(sampler: object, schedule: object = "") -> tuple[dict[str, str], list[str]]:
    """(the fields sampler and schedule, notes): what isn't known is left to the model, and the note says so."""
    fields: dict[str, str] = {}
    notes: list[str] = []
    word = _word(sampler).removeprefix("k_").removesuffix("_gpu").removesuffix("_cpu")
    plain = word.removesuffix("_k")
    if plain in SAMPLERS:
        fields["sampler"] = SAMPLERS[plain]
        fields["schedule"] = "Karras" if plain != word else "Automatic"
    elif word:
        notes.append(f"no sampler here is called {str(sampler)[:60]!r}: the model's usual one is taken")
    wanted = _word(schedule)
    if wanted in SCHEDULES and "sampler" in fields:
        fields["schedule"] = SCHEDULES[wanted]
    elif wanted and "sampler" in fields:
        notes.append(f"no schedule here is called {str(schedule)[:60]!r}: the sampler's own is taken")
    return fields, notes


def _word(value: object) -> str:
    return re.sub(r"[\s\-]+", "_", value.strip().casefold()) if isinstance(value, str) else ""


def model_name(path: object) -> str:
    """The name people call a model file by: no folders, no ending."""
    last = re.split(r"[/\\]", path.strip())[-1] if isinstance(path, str) else ""
    return "" if last.casefold() in ("none", "automatic") else MODEL_ENDINGS.sub("", last)


def json_object(text: object) -> dict[str, Any]:
    """The object in a JSON text; empty for anything else."""
    if isinstance(text, dict):
        return cast("dict[str, Any]", text)
    if not isinstance(text, str) or not text.lstrip().startswith("{"):
        return {}
    try:
        data: object = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return cast("dict[str, Any]", data) if isinstance(data, dict) else {}


def json_list(value: object) -> list[Any]:
    """The list, or an empty one for anything else."""
    return cast("list[Any]", value) if isinstance(value, list) else []
