"""An infotext as an order: A1111's words translated into a recipe's fields, and a sentence for everything that has no place there."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, get_args

from danqing.base.errors import RecipeError
from danqing.base.infotext_a1111 import SIZE, old_first_pass, version_of
from danqing.base.infotext_controls import control_of
from danqing.base.infotext_fields import find_fields, mend_word
from danqing.base.infotext_keys import (
    PLAIN_PARTS,
    PROGRAM,
    SAMPLER_WORDS,
    SCHEDULE_WORDS,
    SILENT,
    UPSCALER_WORDS,
    knob_keys,
    squeezed,
)
from danqing.base.knobs import KnobField, knobs
from danqing.base.order import Order
from danqing.base.recipe import Dialect, Recipe
from danqing.base.refs import ModelRef

TITLE = re.compile(r"^(?P<name>.*?)\s*\[(?P<hash>[0-9a-fA-F]{8,64})\]$", re.DOTALL)
HEX = re.compile(r"^[0-9a-fA-F]{8,64}$")
OFF_WORDS = ("", "none", "automatic", "disable", "disabled", "false", "default")
NO_CHOICE = (
    "default",
    "automatic",
    "use same sampler",
    "use same scheduler",
    "use same checkpoint",
    "use same choices",
    "none",
    "",
)
RENAMED_IN_1_9 = (
    "DPM++ 2M",
    "DPM++ SDE",
    "DPM++ 2M SDE",
    "DPM++ 2M SDE Heun",
    "DPM++ 2S a",
    "DPM++ 3M SDE",
    "DPM2",
    "DPM2 a",
)
"""Samplers whose bare name meant even steps until A1111 1.9; since then it means their own schedule."""
IMG2IMG_KEYS = (
    "Denoising strength",
    "Mask blur",
    "Mask mode",
    "Masked content",
    "Inpaint area",
    "Masked area padding",
    "Conditional mask weight",
    "Noise multiplier",
    "Extra noise",
    "Color correction",
)
HARMLESS = {
    "Mask mode": ("inpaint masked",),
    "Masked content": ("original",),
    "Inpaint area": ("whole picture",),
    "Hires Module 1": ("use same choices", ""),
}


@dataclass(frozen=True)
class ReadInfotext:
    """What a text asks for. `fields` are A1111's keys as found; `notes` say in sentences what could not be used, or was guessed."""

    order: Order
    fields: Mapping[str, str]
    notes: tuple[str, ...] = ()


def read_infotext(text: str) -> ReadInfotext:
    """The order in a text of A1111, Forge, danqing or of a hand that copied one. Raises RecipeError for values out of range.

    Without parameters the text is a prompt. LoRA tags stay in the prompt: `expand` lifts them.
    """
    found = find_fields(text)
    reader = _Reader(dict(found.fields), notes=list(found.notes))
    reader.prompts()
    if found.has_parameters:
        reader.parameters()
    recipe = Recipe.model_validate(reader.said)
    order = Order(recipe=recipe, seeds="random") if reader.random_seed else Order(recipe=recipe)
    return ReadInfotext(order, found.fields, tuple(reader.notes))


def split_sampler(name: str) -> tuple[str, str]:
    """(sampler, schedule or ""): "DPM++ 2M Karras" is two things. Spaces and capitals may be lost; unknown names stay as they are."""
    whole = mend_word(name, SAMPLER_WORDS)
    if whole in SAMPLER_WORDS:
        return whole, ""
    word = squeezed(name)
    for schedule in sorted(SCHEDULE_WORDS, key=len, reverse=True):
        head = mend_word(word.removesuffix(squeezed(schedule)), SAMPLER_WORDS)
        if word.endswith(squeezed(schedule)) and head in SAMPLER_WORDS:
            return head, schedule
    return name.strip(), ""


def model_of_title(title: str, digest: str = "") -> ModelRef:
    """The model behind "name [hash]". A hash of eight digits is A1111's old one, of ten or more the sha256's beginning."""
    match = TITLE.match(title.strip())
    name, found = (match["name"], match["hash"]) if match else (title.strip(), "")
    return ModelRef(name=name, sha256=(digest or found).lower() if HEX.match(digest or found) else "")


@dataclass
class _Reader:
    """Takes fields one by one and builds what `Recipe` is given; what is left at the end becomes notes."""

    fields: dict[str, str]
    notes: list[str] = field(default_factory=list[str])
    said: dict[str, Any] = field(default_factory=dict[str, Any])
    random_seed: bool = False

    def prompts(self) -> None:
        self.said["prompt"] = self.fields.pop("Prompt")
        if negative := self.fields.pop("Negative prompt"):
            self.said["negative_prompt"] = negative

    def parameters(self) -> None:
        """Everything but the prompts."""
        ours = self.fields.get("Version", "").startswith(f"{PROGRAM} ")
        self._dialect(ours)
        self._plain_fields()
        self._seed()
        self._size()
        self._sampler()
        self._models()
        self._noise()
        self._variation()
        self._hires()
        self._refiner()
        self._controls()
        self._version()
        self._leftovers()

    def take(self, key: str) -> str | None:
        return self.fields.pop(key, None)

    def choice(self, key: str) -> str:
        """The value, "" where it leaves the choice open."""
        value = (self.take(key) or "").strip()
        return "" if value.casefold() in NO_CHOICE else value

    def part(self, name: str) -> dict[str, Any]:
        return self.said.setdefault(name, {})

    def _dialect(self, ours: bool) -> None:
        word = (self.take("Dialect") or ("danqing" if ours else "a1111")).strip().casefold()
        if word not in get_args(Dialect):
            raise RecipeError(f"Dialect must be one of {', '.join(get_args(Dialect))}, found {word!r}")
        self.said["dialect"] = word

    def _plain_fields(self) -> None:
        keys = knob_keys()
        for knob in knobs(Recipe):
            part, dot, name = knob.path.partition(".")
            special = knob.path in (
                "noise.source",
                "sampling.zero_terminal_snr",
                "seed",
                "width",
                "height",
                "sampler",
                "schedule",
            )
            if knob.path not in keys or special or (dot and part not in PLAIN_PARTS):
                continue
            if knob.annotation not in (int, float, bool) and not knob.choices:
                continue
            value = self.take(keys[knob.path])
            if value is None or (
                value.strip().casefold() in OFF_WORDS and knob.annotation is not bool and not knob.choices
            ):
                continue
            target = self.part(part) if dot else self.said
            target[name or part] = _converted(keys[knob.path], value, knob)
        self.said.setdefault("clip_skip", 1)
        self._schedule_words()

    def _schedule_words(self) -> None:
        value = self.take("Noise Schedule")
        if value is not None and squeezed(value) == "zeroterminalsnr":
            self.part("sampling")["zero_terminal_snr"] = True
        elif value is not None and value.strip().casefold() not in OFF_WORDS:
            self.notes.append(f"Noise Schedule: {value[:60]} is not known; the model's own is used")

    def _seed(self) -> None:
        seed = self.take("Seed")
        if seed is None:
            return
        self.random_seed = seed.strip() == "-1"
        if not self.random_seed:
            self.said["seed"] = _whole("Seed", seed)

    def pair(self, key: str) -> tuple[int, int] | None:
        """Width and height of a field like `Size: 512x768`."""
        width, height = self.take(f"{key}-1"), self.take(f"{key}-2")
        if width is None or height is None:
            loose = self.take(key)
            match = SIZE.match(re.sub(r"[\s×*xX]+", "x", loose.strip())) if loose else None
            if loose and match is None:
                raise RecipeError(f"{key} must be like 512x768, found {loose[:60]!r}")
            if match is None:
                return None
            width, height = match.groups()
        return int(width), int(height)

    def _size(self) -> None:
        size = self.pair("Size")
        if size is not None:
            self.said["width"], self.said["height"] = size

    def _sampler(self) -> None:
        name = self.take("Sampler")
        schedule = self.choice("Schedule type")
        if name is None:
            return
        if name.strip().casefold() in ("default", ""):
            self.notes.append("the text leaves the sampler open: the model's usual one is taken")
            return
        sampler, own = split_sampler(name)
        schedule = mend_word(schedule, SCHEDULE_WORDS) if schedule else own
        version = version_of(self.fields.get("Version", ""))
        if not schedule and version is not None and version < (1, 9, 0, -1) and sampler in RENAMED_IN_1_9:
            schedule = "Uniform"
            self.notes.append(f"A1111 before 1.9 meant even steps by {sampler}: schedule Uniform is taken")
        self.said["sampler"], self.said["schedule"] = sampler, schedule or "Automatic"

    def _models(self) -> None:
        for field_name, key in (("model", "Model"), ("vae", "VAE")):
            name, digest = self.choice(key), (self.take(f"{key} hash") or "").strip()
            if digest and not HEX.match(digest):
                self.notes.append(f"{key} hash {digest[:60]!r} is no hash; the model is looked for by its name")
                digest = ""
            if name or digest:
                self.said[field_name] = model_of_title(name, digest)

    def _noise(self) -> None:
        word = (self.take("RNG") or "GPU").strip().upper()
        if word not in ("GPU", "NV", "CPU"):
            self.notes.append(f"RNG: {word[:60]} is not known; the noise of NVIDIA cards is taken")
        self.part("noise")["source"] = "CPU" if word == "CPU" else "NV"

    def _variation(self) -> None:
        seed, strength = self.take("Variation seed"), self.take("Variation seed strength")
        size = self.pair("Seed resize from")
        if seed is not None and strength is not None:
            self.said["variation"] = {
                "seed": _whole("Variation seed", seed),
                "strength": _real("Variation seed strength", strength),
            }
        if size is not None:
            self.part("variation").update(from_width=size[0], from_height=size[1])

    def _hires(self) -> None:
        first, target = self.pair("First pass size"), self.pair("Hires resize")
        upscale, upscaler, steps = self.take("Hires upscale"), self.take("Hires upscaler"), self.take("Hires steps")
        if first is not None and "width" in self.said:
            target = self.said["width"], self.said["height"]
            self.said["width"], self.said["height"] = old_first_pass(*target) if 0 in first else first
        if target == (0, 0):
            target = None
        if target is None and not (upscale or upscaler or steps):
            self._hires_leftovers()
            return
        hires: dict[str, Any] = {"upscaler": mend_word(upscaler or "Latent", UPSCALER_WORDS)}
        if target is not None:
            hires["width"], hires["height"] = target
        elif upscale:
            hires["upscale"] = _real("Hires upscale", upscale)
        if strength := self.take("Denoising strength"):
            hires["denoising_strength"] = _real("Denoising strength", strength)
        if steps:
            hires["steps"] = _whole("Hires steps", steps)
        if scale := self.choice("Hires CFG Scale"):
            hires["cfg_scale"] = _real("Hires CFG Scale", scale)
        hires |= self._hires_words()
        self.said["hires"] = hires

    def _hires_words(self) -> dict[str, Any]:
        sampler, own = split_sampler(self.choice("Hires sampler"))
        schedule = self.choice("Hires schedule type")
        words: dict[str, Any] = {
            "sampler": sampler,
            "schedule": mend_word(schedule, SCHEDULE_WORDS) if schedule else own,
        }
        words["prompt"], words["negative_prompt"] = (
            self.take("Hires prompt") or "",
            self.take("Hires negative prompt") or "",
        )
        if checkpoint := self.choice("Hires checkpoint"):
            words["model"] = model_of_title(checkpoint)
        return {name: value for name, value in words.items() if value}

    def _hires_leftovers(self) -> None:
        """Forge writes some hires keys even where no second pass was made; they decide nothing then."""
        for key in (
            "Hires CFG Scale",
            "Hires sampler",
            "Hires schedule type",
            "Hires checkpoint",
            "Hires prompt",
            "Hires negative prompt",
        ):
            self.take(key)

    def _refiner(self) -> None:
        title, switch = self.choice("Refiner"), self.take("Refiner switch at")
        by_steps = self.take("Refiner switch by sampling steps")
        if title:
            self.said["refiner"] = {"model": model_of_title(title)} | (
                {"switch_at": _real("Refiner switch at", switch)} if switch else {}
            )
            version = version_of(self.fields.get("Version", ""))
            # Before 1.10 A1111 knew no other way.
            if by_steps == "True" or (version is not None and version < (1, 10, 0, 0)):
                self.said["refiner"]["by_steps"] = True

    def _controls(self) -> None:
        units = sorted(
            (key for key in self.fields if re.fullmatch(r"ControlNet(?: \d{1,2})?", key)),
            key=lambda key: (len(key), key),
        )
        controls = [control_of(self.fields.pop(key)) for key in units]
        if controls:
            self.said["controls"] = tuple(controls)
            self.notes.append("the pictures that ControlNet was given are not in the text: give them again")

    def _version(self) -> None:
        version = version_of(self.fields.get("Version", ""))
        if version is None:
            return
        if version < (1, 6, 0, 0) and "[" in self.said["prompt"]:
            self.part("text")["old_timelines"] = True
        if version < (1, 7, 0, 225):
            self.notes.append(
                "A1111 before 1.7 rounded its noise table to half precision: the picture may differ a little"
            )

    def _leftovers(self) -> None:
        pictures = {key: self.take(key) for key in IMG2IMG_KEYS if key in self.fields}
        told = ", ".join(
            f"{key}: {value[:60]}"
            for key, value in pictures.items()
            if value and value.strip().casefold() not in HARMLESS.get(key, ())
        )
        if told:
            self.notes.append(
                f"it was painted over another picture, which is not in the text: give that picture with {told}"
            )
        for key, value in self.fields.items():
            quiet = key in SILENT or value.strip().casefold() in HARMLESS.get(key, OFF_WORDS)
            if not quiet and not key.startswith("Soft inpainting"):
                self.notes.append(f"{key[:60]}: {value[:60]} is not something danqing knows; it was left out")


def _converted(key: str, text: str, knob: KnobField) -> object:
    if knob.annotation is bool:
        return text.strip().casefold() in ("true", "1", "yes", "on")
    if knob.choices:
        return mend_word(text, knob.choices)
    if knob.annotation is int:
        return _whole(key, text)
    if key == "Sigma tmax" and text.strip().casefold() == "inf":
        return 0.0  # A1111's "no limit"
    return _real(key, text)


def _whole(key: str, text: str) -> int:
    return _number(key, text, int, "a whole number")


def _real(key: str, text: str) -> float:
    return _number(key, text, float, "a number")


def _number(key: str, text: str, kind: Callable[[str], Any], what: str) -> Any:
    word = text.strip()
    if kind is int:
        word = re.sub(r"\.0*$", "", word)
    try:
        return kind(word)
    except ValueError as problem:  # also thousands of digits, which int refuses
        raise RecipeError(f"{key} must be {what}, found {text[:60]!r}") from problem
