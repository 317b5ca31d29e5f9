"""A ControlNet unit out of an infotext, in the words of its extension, old and new."""

import re
from typing import Any

from danqing.base.errors import RecipeError
from danqing.base.infotext_a1111 import pairs
from danqing.base.infotext_keys import CONTROL_MODES, CONTROL_RESIZE_MODES, squeezed
from danqing.base.picture_parts import ControlUse
from danqing.base.refs import ModelRef

NUMBERS = {
    "weight": "weight",
    "guidancestart": "start",
    "guidanceend": "end",
    "thresholda": "threshold_a",
    "thresholdb": "threshold_b",
    "processorres": "processor_res",
}
TITLE = re.compile(r"^(?P<name>.*?)\s*\[(?P<hash>[0-9a-fA-F]{8,64})\]$")
STARTING_ENDING = re.compile(r"starting/ending:\s?\(([\d.]{1,12}),\s?([\d.]{1,12})\)")
PREPROCESSOR = re.compile(r"preprocessor params:\s?\((-?[\d.]{1,12}),\s?(-?[\d.]{1,12}),\s?(-?[\d.]{1,12})\)")


def control_of(text: str) -> ControlUse:
    """The unit; its picture is never in the text. Raises RecipeError for numbers that are none or out of range."""
    words = {squeezed(key): value.strip() for key, value in pairs(text)}
    said: dict[str, Any] = {"module": words.get("module", words.get("preprocessor", "none"))}
    model = words.get("model", "None")
    if model != "None":
        match = TITLE.match(model)
        said["model"] = ModelRef(name=match["name"], sha256=match["hash"].lower()) if match else ModelRef(name=model)
    said |= {name: _number(key, words[key]) for key, name in NUMBERS.items() if key in words}
    if old := STARTING_ENDING.search(text):
        said["start"], said["end"] = (_number("starting/ending", number) for number in old.groups())
    if old := PREPROCESSOR.search(text):
        said["processor_res"], said["threshold_a"], said["threshold_b"] = (
            _number("preprocessor params", number) for number in old.groups()
        )
    said["pixel_perfect"] = words.get("pixelperfect", "").casefold() == "true"
    said |= _choice(words.get("controlmode", ""), "mode", dict(CONTROL_MODES))
    said |= _choice(words.get("resizemode", ""), "resize_mode", dict(CONTROL_RESIZE_MODES))
    said |= _choice(
        words.get("hroption", ""), "hires", {name: name for name in ("both", "low res only", "high res only")}
    )
    return ControlUse.model_validate(said)


def _number(key: str, text: str) -> float:
    try:
        return float(text)
    except ValueError as problem:
        raise RecipeError(f"ControlNet: {key} must be a number, found {text[:60]!r}") from problem


def _choice(word: str, field: str, names: dict[str, str]) -> dict[str, str]:
    """The field when one of the names is meant, else nothing: the default then holds."""
    meant = [name for name, shown in names.items() if squeezed(shown) == squeezed(word)]
    return {field: meant[0]} if meant else {}
