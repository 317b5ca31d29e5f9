"""Titles of A1111's selectable scripts, in lower case as its API lists them, and which of them danqing has."""

from collections.abc import Mapping
from types import MappingProxyType

BOTH, IMAGE = ("txt2img", "img2img"), ("img2img",)

SELECTABLE: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "x/y/z plot": BOTH,
        "prompt matrix": BOTH,
        "prompts from file or textbox": BOTH,
        "loopback": IMAGE,
        "sd upscale": IMAGE,
        "outpainting mk2": IMAGE,
        "poor man's outpainting": IMAGE,
        "img2img alternative test": IMAGE,
        "custom code": BOTH,
    }
)
"""Where each may be used."""

NOT_YET = ("img2img alternative test",)
NEVER = ("custom code",)
"""It runs Python that a request brings: no server of ours does."""


def titles(tab: str) -> list[str]:
    """The selectable scripts that can really be called there."""
    return [title for title, tabs in SELECTABLE.items() if tab in tabs and title not in (*NOT_YET, *NEVER)]
