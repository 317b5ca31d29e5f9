"""Where the files lie that ship with danqing: the embedded model, the tokenizer, the configs of the families."""

from pathlib import Path

import danqing


def asset(*parts: str) -> Path:
    """The path of a file or folder below `assets`."""
    return Path(danqing.__file__).parent.joinpath("assets", *parts)


def embedded_model() -> Path:
    """The diffusers folder of the model that comes with danqing."""
    return asset("models", "danqing-mini")


def embedded_upscalers() -> Path:
    """The folder of the upscalers that come with danqing: "danqing 4x.safetensors"."""
    return asset("models", "upscalers")
