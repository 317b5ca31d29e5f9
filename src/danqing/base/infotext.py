"""A recipe as A1111's infotext: the text that A1111 writes into its pictures and that every tool around it reads. The way back is `infotext_read`."""

import json
from collections.abc import Iterator, Mapping

from danqing.base.infotext_keys import (
    CONTROL_MODES,
    CONTROL_RESIZE_MODES,
    ORDER,
    PLAIN_PARTS,
    PROGRAM,
    WORDED,
    knob_keys,
)
from danqing.base.infotext_read import ReadInfotext, read_infotext
from danqing.base.picture_parts import ControlUse, Hires, Inpaint
from danqing.base.recipe import Recipe
from danqing.base.refs import HypernetUse, LoraUse, ModelRef
from danqing.base.value import Value

__all__ = ["ReadInfotext", "quote", "read_infotext", "write_infotext"]


def write_infotext(recipe: Recipe, *, hashes: Mapping[str, str], version: str) -> str:
    """Prompt, negative prompt and parameters in A1111's order, names and quoting. What it can't name: `infotext_keys.UNNAMED`.

    `hashes`: sha256 by model name; for a LoRA or an embedding A1111's own hash, where it is known, is better.
    """
    found = dict(_parameters(recipe, hashes))
    keys = [*(key for key in ORDER if key in found), *(key for key in found if key not in ORDER)]
    line = ", ".join(f"{key}: {quote(found[key])}" for key in keys)
    prompt = recipe.prompt + tags_of(recipe.loras, recipe.hypernets)
    negative = f"\nNegative prompt: {recipe.negative_prompt}" if recipe.negative_prompt else ""
    return f"{prompt}{negative}\n{line}, Version: {quote(f'{PROGRAM} {version}')}".strip()


def quote(value: object) -> str:
    """A value as it stands behind its key: as JSON where a comma, a colon or a line break would be misread."""
    text = str(value)
    looks_quoted = len(text) > 1 and text.startswith('"') and text.endswith('"')
    if any(sign in text for sign in ",:\n") or looks_quoted or text != text.strip():
        return json.dumps(text, ensure_ascii=False)
    return text


def tags_of(loras: tuple[LoraUse, ...], hypernets: tuple[HypernetUse, ...]) -> str:
    """The tags that `expand` lifted, as they are typed. No space before them: taken out again they leave the prompt as it was."""
    tags: list[str] = []
    for use in loras:
        weights = [number(use.text)]
        if use.unet != use.text or use.dim:
            weights.append(number(use.unet))
        if use.dim:
            weights.append(str(use.dim))
        tags.append(f"<lora:{use.model.name}:{':'.join(weights)}>")
    tags.extend(f"<hypernet:{use.model.name}:{number(use.weight)}>" for use in hypernets)
    return "".join(tags)


def number(value: float) -> str:
    """The shortest text that reads back as the same number, whole numbers without a point."""
    whole = isinstance(value, int) or (value.is_integer() and abs(value) < 1e15)
    return str(int(value)) if whole else repr(value)


def _parameters(recipe: Recipe, hashes: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    yield "Steps", str(recipe.steps)
    yield "Sampler", recipe.sampler
    yield "Schedule type", recipe.schedule
    yield "CFG scale", number(recipe.cfg_scale)
    yield "Seed", str(recipe.seed)
    yield "Size", f"{recipe.width}x{recipe.height}"
    yield from _model("Model", recipe.model, hashes)
    yield from _model("VAE", recipe.vae, hashes)
    if recipe.clip_skip > 1:
        yield "Clip skip", str(recipe.clip_skip)
    if recipe.tiling:
        yield "Tiling", "True"
    yield "RNG", recipe.noise.source
    yield from _variation(recipe)
    if recipe.hires is not None:
        yield from _hires(recipe, recipe.hires, hashes)
    yield from _network_hashes(recipe, hashes)
    yield from _plain_parts(recipe)
    yield from _init(recipe)
    for index, unit in enumerate(recipe.controls):
        yield f"ControlNet {index}", _control(unit, hashes)
    if recipe.refiner is not None:
        yield "Refiner", _title(recipe.refiner.model, hashes)
        yield "Refiner switch at", number(recipe.refiner.switch_at)
        if recipe.refiner.by_steps:
            yield "Refiner switch by sampling steps", "True"
    if recipe.dialect != "danqing":
        yield "Dialect", recipe.dialect


def _model(key: str, ref: ModelRef, hashes: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    if digest := _hash(ref, hashes):
        yield f"{key} hash", digest[:10]
    if ref.name:
        yield key, ref.name


def _hash(ref: ModelRef, hashes: Mapping[str, str]) -> str:
    return ref.sha256 or hashes.get(ref.name, "")


def _title(ref: ModelRef, hashes: Mapping[str, str]) -> str:
    digest = _hash(ref, hashes)
    return f"{ref.name} [{digest[:10]}]".strip() if digest else ref.name


def _variation(recipe: Recipe) -> Iterator[tuple[str, str]]:
    variation = recipe.variation
    if variation.strength > 0:
        yield "Variation seed", str(variation.seed)
        yield "Variation seed strength", number(variation.strength)
    if variation.from_width and variation.from_height:
        yield "Seed resize from", f"{variation.from_width}x{variation.from_height}"


def _hires(recipe: Recipe, hires: Hires, hashes: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    yield "Denoising strength", number(hires.denoising_strength)
    if hires.model:
        yield "Hires checkpoint", _title(hires.model, hashes)
    if hires.sampler:
        yield "Hires sampler", hires.sampler
    tags = tags_of(hires.loras, hires.hypernets)
    if hires.prompt or tags:
        yield "Hires prompt", (hires.prompt or recipe.prompt) + tags
    if hires.negative_prompt:
        yield "Hires negative prompt", hires.negative_prompt
    if hires.schedule:
        yield "Hires schedule type", hires.schedule
    if hires.width or hires.height:
        yield "Hires resize", f"{hires.width}x{hires.height}"
    else:
        yield "Hires upscale", number(hires.upscale)
    if hires.steps:
        yield "Hires steps", str(hires.steps)
    yield "Hires upscaler", hires.upscaler
    if hires.cfg_scale:
        yield "Hires CFG Scale", number(hires.cfg_scale)


def _network_hashes(recipe: Recipe, hashes: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    extra = recipe.hires.loras if recipe.hires else ()
    for key, refs in (
        ("Lora hashes", [use.model for use in (*recipe.loras, *extra)]),
        ("TI hashes", list(recipe.embeddings)),
    ):
        # The mapping goes first here: it may hold A1111's own kind of hash, which leaves a file's header out.
        named = {ref.name.translate({58: None, 44: None}): hashes.get(ref.name) or ref.sha256 for ref in refs}
        if any(named.values()):
            yield key, ", ".join(f"{name}: {digest[:12]}" for name, digest in named.items() if digest)


def _plain_parts(recipe: Recipe) -> Iterator[tuple[str, str]]:
    keys = knob_keys()
    for part_name in PLAIN_PARTS:
        part: Value = getattr(recipe, part_name)
        for name, field in type(part).model_fields.items():
            path, value = f"{part_name}.{name}", getattr(part, name)
            if path not in keys or value == field.default or path == "noise.source":
                continue
            if path in WORDED:
                yield WORDED[path]
            else:
                yield keys[path], number(value) if isinstance(value, float) else str(value)


def _init(recipe: Recipe) -> Iterator[tuple[str, str]]:
    init = recipe.init
    if init is not None:
        yield "Denoising strength", number(init.denoising_strength)
        yield "Init image hash", init.image.sha256[:10]
        if init.noise_multiplier != 1:
            yield "Noise multiplier", number(init.noise_multiplier)
        if init.extra_noise:
            yield "Extra noise", number(init.extra_noise)
        if init.color_correction:
            yield "Color correction", "True"
    if recipe.inpaint is not None:
        yield from _inpaint(recipe.inpaint)


def _inpaint(inpaint: Inpaint) -> Iterator[tuple[str, str]]:
    if inpaint.mask_weight != 1:
        yield "Conditional mask weight", number(inpaint.mask_weight)
    yield "Mask blur", number(inpaint.blur_x)
    if inpaint.area == "only masked":
        yield "Inpaint area", "Only masked"
        yield "Masked area padding", str(inpaint.padding)
    if inpaint.content != "original":
        yield "Masked content", inpaint.content
    if inpaint.invert:
        yield "Mask mode", "Inpaint not masked"
    if inpaint.soft is not None:
        yield "Soft inpainting enabled", "True"
        for name, key in knob_keys().items():
            if name.startswith("inpaint.soft."):
                yield key, number(getattr(inpaint.soft, name.removeprefix("inpaint.soft.")))


def _control(unit: ControlUse, hashes: Mapping[str, str]) -> str:
    words = {
        "Module": unit.module,
        "Model": _title(unit.model, hashes) or "None",
        "Weight": repr(float(unit.weight)),
        "Resize Mode": CONTROL_RESIZE_MODES[unit.resize_mode],
        "Processor Res": str(unit.processor_res),
        "Threshold A": repr(float(unit.threshold_a)),
        "Threshold B": repr(float(unit.threshold_b)),
        "Guidance Start": repr(float(unit.start)),
        "Guidance End": repr(float(unit.end)),
        "Pixel Perfect": str(unit.pixel_perfect),
        "Control Mode": CONTROL_MODES[unit.mode],
        "Hr Option": unit.hires.capitalize() if unit.hires == "both" else unit.hires[0].upper() + unit.hires[1:],
    }
    return ", ".join(f"{key}: {value}" for key, value in words.items())
