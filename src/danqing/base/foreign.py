"""What any tool wrote into a picture, as an order: A1111 and Forge, ComfyUI, InvokeAI, Fooocus, NovelAI, SwarmUI. From texts only, no files."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from danqing.base.foreign_comfy import drawing_of, fields_of
from danqing.base.foreign_words import json_list, json_object, model_name, sampler_words
from danqing.base.infotext_read import ReadInfotext, read_infotext
from danqing.base.order import Order
from danqing.base.recipe import Recipe
from danqing.base.refs import ModelRef

Texts = Mapping[str, str]
Said = tuple[dict[str, Any], list[str]]
"""What a recipe is given, and notes."""

PLACES = ("parameters", "UserComment", "comment")
"""Where A1111's text stands, and the JSON of tools that took over its place."""
DREAM = re.compile(r'^"(.*)"((?:\s+-\S+.*)?)$', re.DOTALL)
DREAM_KEYS = {"s": "steps", "S": "seed", "W": "width", "H": "height", "C": "cfg_scale", "A": "sampler"}

FOOOCUS_STEPS = {"Quality": 60, "Speed": 30, "Extreme Speed": 8, "Lightning": 4, "Hyper-SD": 4}


def read_texts(texts: Texts, size: tuple[int, int] | None = None) -> ReadInfotext | None:
    """The order in a picture's texts, by their names in the file; None where no tool is known by them.

    `size`: (width, height) of the picture, for tools that don't write it. Raises RecipeError for values out of range.
    """
    for reader in (_comfy, _invoke, _old_invoke, _dream, _swarm, _fooocus, _novelai):
        said = reader(texts)
        if said is not None:
            return _ordered(said, size)
    infotext = next((texts[name] for name in PLACES if name in texts and not json_object(texts[name])), "")
    return read_infotext(infotext) if infotext.strip() else None


def _ordered(said: Said, size: tuple[int, int] | None) -> ReadInfotext:
    fields, notes = said
    fields = {name: value for name, value in fields.items() if value is not None and value != ""}
    if size is not None and "hires" not in fields:
        fields.setdefault("width", size[0])
        fields.setdefault("height", size[1])
    shown = {name: str(value) for name, value in fields.items()}
    return ReadInfotext(Order(recipe=Recipe.model_validate(fields)), shown, tuple(dict.fromkeys(notes)))


def _json_in(texts: Texts, *names: str) -> dict[str, Any]:
    objects = (json_object(texts.get(name)) for name in names)
    nothing: dict[str, Any] = {}
    return next((found for found in objects if found), nothing)


def _comfy(texts: Texts) -> Said | None:
    drawing = drawing_of(texts.get("prompt"))
    fields = fields_of(drawing) if drawing is not None else None
    return None if drawing is None or fields is None else (fields, drawing.notes)


def _invoke(texts: Texts) -> Said | None:
    data = _json_in(texts, "invokeai_metadata")
    if not data:
        return None
    fields = _picked(
        data, {"prompt": "positive_prompt", "negative_prompt": "negative_prompt", "cfg_scale": "cfg_scale"}
    )
    fields |= _picked(data, {name: name for name in ("width", "height", "seed", "steps")})
    words, notes = sampler_words(data.get("scheduler"))
    skipped = data.get("clip_skip")
    fields |= words
    fields |= {"dialect": "compel", "clip_skip": skipped + 1 if isinstance(skipped, int) else 1}
    fields |= {"model": _invoke_model(data.get("model")), "vae": _invoke_model(data.get("vae"))}
    fields["noise"] = {"source": "CPU" if data.get("rand_device", "cpu") == "cpu" else "NV"}
    if data.get("seamless_x") and data.get("seamless_y"):
        fields["tiling"] = True
    if isinstance(rescale := data.get("cfg_rescale_multiplier"), (int, float)):
        fields["guidance"] = {"rescale": rescale}
    loras = [json_object(one) for one in json_list(data.get("loras"))]
    fields["loras"] = _loras((_invoke_model(one.get("model") or one.get("lora")), one.get("weight")) for one in loras)
    if data.get("init_image"):
        notes.append(_over_a_picture(data.get("strength")))
    if data.get("controlnets"):
        notes.append("ControlNet was at work: give its unit again")
    return fields, notes


def _invoke_model(data: object) -> ModelRef | None:
    fields = json_object(data)
    name = model_name(fields.get("name") or fields.get("model_name") or (data if isinstance(data, str) else ""))
    return ModelRef(name=name) if name else None


def _old_invoke(texts: Texts) -> Said | None:
    data = _json_in(texts, "sd-metadata")
    image = json_object(data.get("image"))
    if not image:
        return None
    parts = [json_object(one).get("prompt") for one in json_list(image.get("prompt"))]
    text = (
        image["prompt"]
        if isinstance(image.get("prompt"), str)
        else ", ".join(part for part in parts if isinstance(part, str))
    )
    words, notes = sampler_words(image.get("sampler"))
    fields = _picked(image, {name: name for name in ("width", "height", "seed", "steps", "cfg_scale")})
    fields |= _split_brackets(text) | words | {"dialect": "compel", "model": _invoke_model(data.get("model_weights"))}
    return fields, notes


def _dream(texts: Texts) -> Said | None:
    match = DREAM.match(texts.get("Dream", "").strip())
    if match is None:
        return None
    said = {DREAM_KEYS[key]: value for key, value in re.findall(r"\s-([sSWHCA])\s?(\S+)", match[2])}
    words, notes = sampler_words(said.pop("sampler", ""))
    return _split_brackets(match[1]) | said | words | {"dialect": "compel"}, notes


def _split_brackets(text: str) -> dict[str, Any]:
    """Old InvokeAI wrote the negative prompt in square brackets into the prompt."""
    negative = ", ".join(part.strip() for part in re.findall(r"\[([^\[\]]*)\]", text))
    return {"prompt": re.sub(r"\s*\[[^\[\]]*\]", "", text).strip(" ,"), "negative_prompt": negative}


def _swarm(texts: Texts) -> Said | None:
    data = json_object(_json_in(texts, *PLACES).get("sui_image_params"))
    if not data:
        return None
    fields = _picked(data, {"prompt": "prompt", "negative_prompt": "negativeprompt", "cfg_scale": "cfgscale"})
    fields |= _picked(data, {name: name for name in ("width", "height", "seed", "steps")})
    words, notes = sampler_words(data.get("sampler"), data.get("scheduler"))
    layer = data.get("clipstopatlayer")
    fields |= words
    fields |= {
        "dialect": "comfy",
        "clip_skip": abs(layer) if isinstance(layer, int) and layer else 1,
        "noise": {"source": "CPU"},
    }
    fields |= {"model": _model(data.get("model")), "vae": _model(data.get("vae"))}
    fields["loras"] = _loras(
        (_model(name), weight)
        for name, weight in zip(json_list(data.get("loras")), json_list(data.get("loraweights")), strict=False)
    )
    if "variationseed" in data and "variationseedstrength" in data:
        fields["variation"] = {"seed": data["variationseed"], "strength": data["variationseedstrength"]}
    if "initimage" in data or "initimagecreativity" in data:
        notes.append(_over_a_picture(data.get("initimagecreativity")))
    if "refinermethod" in data or "refinerupscale" in data:
        notes.append("SwarmUI's refiner went over it: give hires or a refiner as you want it")
    return fields, notes


def _fooocus(texts: Texts) -> Said | None:
    data = _json_in(texts, *PLACES)
    if texts.get("fooocus_scheme") != "fooocus" and "base_model" not in data:
        return None
    full, negative = json_list(data.get("full_prompt")), json_list(data.get("full_negative_prompt"))
    words, notes = sampler_words(data.get("sampler"), data.get("scheduler"))
    fields = _picked(data, {"seed": "seed", "steps": "steps", "cfg_scale": "guidance_scale", "clip_skip": "clip_skip"})
    fields.setdefault("steps", FOOOCUS_STEPS.get(str(data.get("performance"))))
    fields |= words
    fields |= {"dialect": "comfy", "noise": {"source": "CPU"}}
    fields["prompt"] = ", ".join(str(one) for one in full) or data.get("prompt")
    fields["negative_prompt"] = ", ".join(str(one) for one in negative) or data.get("negative_prompt")
    size = re.fullmatch(r"\(?\s*(\d{1,6})\s*,\s*(\d{1,6})\s*\)?", str(data.get("resolution", "")))
    if size:
        fields["width"], fields["height"] = size.groups()
    fields |= {"model": _model(data.get("base_model"), data.get("base_model_hash")), "vae": _named_vae(data.get("vae"))}
    refiner = _model(data.get("refiner_model"))
    if refiner is not None:
        fields["refiner"] = {"model": refiner} | _picked(data, {"switch_at": "refiner_switch"})
    pairs = [json_list(one) for one in json_list(data.get("loras"))]
    combined = [str(value).rsplit(" : ", 1) for key, value in data.items() if key.startswith("lora_combined")]
    fields["loras"] = _loras((_model(one[0]), one[1]) for one in [*pairs, *combined] if len(one) > 1)
    if not full and data.get("styles") not in (None, "", "[]"):
        notes.append(f"Fooocus' styles {str(data['styles'])[:80]} are not in the prompt: add their words")
    return fields, notes


def _named_vae(value: object) -> ModelRef | None:
    return None if str(value).startswith("Default") else _model(value)


def _novelai(texts: Texts) -> Said | None:
    data = _json_in(texts, "Comment")
    if not data or not (texts.get("Software") == "NovelAI" or {"uc", "scale"} <= set(data)):
        return None
    words, notes = sampler_words(data.get("sampler", "k_euler_ancestral"), data.get("noise_schedule"))
    fields = _picked(
        data, {"seed": "seed", "steps": "steps", "cfg_scale": "scale", "width": "width", "height": "height"}
    )
    fields |= words
    # As A1111 reads NovelAI's files: its models skip one layer, and its noise after the first comes from seed + 31337.
    fields |= {"dialect": "novelai", "clip_skip": 2, "noise": {"source": "NV", "seed_delta": 31337}}
    fields |= {"prompt": texts.get("Description") or data.get("prompt"), "negative_prompt": data.get("uc")}
    if "strength" in data and data.get("request_type") in ("Img2ImgRequest", "NativeInfillingRequest"):
        notes.append(_over_a_picture(data["strength"]))
    if source := texts.get("Source"):
        notes.append(f"it was painted by NovelAI's {source[:60]}: another model paints another picture")
    return fields, notes


def _picked(data: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """Recipe fields by the names that the tool has for them."""
    return {ours: data[theirs] for ours, theirs in names.items() if data.get(theirs) is not None}


def _model(name: object, digest: object = "") -> ModelRef | None:
    found = model_name(name)
    plain = str(digest).lower() if re.fullmatch(r"[0-9a-fA-F]{8,64}", str(digest)) else ""
    return ModelRef(name=found, sha256=plain) if found else None


def _loras(pairs: Iterable[tuple[ModelRef | None, Any]]) -> tuple[dict[str, Any], ...]:
    """Uses of LoRAs; their weights are checked when the recipe is made."""
    return tuple(
        {"model": model} | ({} if weight is None else {"unet": weight, "text": weight})
        for model, weight in pairs
        if model
    )


def _over_a_picture(strength: object) -> str:
    said = f" with Denoising strength: {strength}" if isinstance(strength, (int, float)) else ""
    return f"it was painted over another picture, which is not in the file: give that picture{said}"
