"""A ComfyUI graph as an order, where it is the usual way from a checkpoint to a picture. Drawings beyond that become notes, not guesses."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from danqing.base.foreign_words import json_list, json_object, model_name, sampler_words
from danqing.base.refs import LoraUse, ModelRef

SAMPLERS = ("KSampler", "KSamplerAdvanced", "SamplerCustom", "SamplerCustomAdvanced", "KSampler (Efficient)")
TEXT_KEYS = (
    "text",
    "text_g",
    "populated_text",
    "prompt",
    "t5xxl",
    "clip_l",
    "value",
    "string",
    "text_l",
    "wildcard_text",
)
"""Where nodes keep their words, in the order in which they are looked for."""
CONDITIONING_KEYS = ("conditioning", "conditioning_1", "conditioning_to", "base_conditioning", "cond")
LATENT_KEYS = ("latent_image", "samples", "latent", "pixels", "image", "images", "upscale_model")
LATENT_UPSCALERS = {
    "nearest-exact": "Latent (nearest-exact)",
    "bilinear": "Latent",
    "area": "Latent (antialiased)",
    "bicubic": "Latent (bicubic)",
    "bislerp": "Latent (bicubic)",
}
PIXEL_UPSCALERS = {"lanczos": "Lanczos", "nearest-exact": "Nearest"}
MOST_STEPS = 200
"""Nodes on one walk; a longer one goes in circles."""


@dataclass(frozen=True)
class Node:
    """One node of the graph: its kind and its inputs, a link being [id, output]."""

    id: str
    kind: str
    inputs: Mapping[str, Any]


@dataclass
class Drawing:
    """A graph by node id, and what was found on the walks through it."""

    nodes: Mapping[str, Node]
    notes: list[str] = field(default_factory=list[str])

    def behind(self, node: Node | None, key: str) -> Node | None:
        """The node that feeds an input, past knees in its line."""
        source = self._linked(node.inputs.get(key)) if node else None
        for _ in range(MOST_STEPS):
            if source is None or source.kind != "Reroute":
                return source
            source = next((found for link in source.inputs.values() if (found := self._linked(link))), None)
        return None

    def _linked(self, link: object) -> Node | None:
        ends = json_list(link)
        return self.nodes.get(str(ends[0])) if ends else None

    def value(self, node: Node, key: str, depth: int = 0) -> Any:
        """An input's value; where another node feeds it, that node's own value."""
        link = node.inputs.get(key)
        if not isinstance(link, list):
            return link
        source = self.behind(node, key)
        if source is None or depth > 20:
            return None
        names = (key, "seed", "noise_seed", "value", "int", "float", "number", *TEXT_KEYS)
        return next((found for name in names if (found := self.value(source, name, depth + 1)) is not None), None)

    def walk(self, node: Node | None, keys: tuple[str, ...]) -> Iterator[Node]:
        """The nodes upwards along the first of `keys` that is linked."""
        seen: set[str] = set()
        while node is not None and node.id not in seen and len(seen) < MOST_STEPS:
            seen.add(node.id)
            yield node
            node = next((found for key in keys if (found := self.behind(node, key)) is not None), None)


def drawing_of(text: object) -> Drawing | None:
    """The graph in ComfyUI's API format, or None for any other text."""
    nodes: dict[str, Node] = {}
    for name, data in json_object(text).items():
        fields = json_object(data)
        kind = fields.get("class_type")
        if isinstance(kind, str):
            nodes[name] = Node(name, kind, json_object(fields.get("inputs")))
    return Drawing(nodes) if nodes else None


def fields_of(drawing: Drawing) -> dict[str, Any] | None:
    """What a recipe is given for this graph; None where no sampler is in it."""
    last = _last_sampler(drawing)
    if last is None:
        return None
    between, first = _earlier_sampler(drawing, last)
    base = first or last
    fields: dict[str, Any] = {"dialect": "comfy", "clip_skip": 1, "noise": {"source": "CPU"}}
    fields |= _sampling(drawing, base) | _prompts(drawing, base) | _networks(drawing, base)
    denoise = _denoise(drawing, base)
    fields |= _start(drawing, base, denoise)
    if first is not None:
        fields["hires"] = _hires(drawing, last, between, fields)
    return fields


def _last_sampler(drawing: Drawing) -> Node | None:
    """The sampler behind the saved picture, else the last one drawn."""
    keys = (*LATENT_KEYS, "model")
    for node in drawing.nodes.values():
        if node.kind.startswith(("SaveImage", "PreviewImage", "Image Save")):
            found = next((one for one in drawing.walk(node, keys) if one.kind in SAMPLERS), None)
            if found is not None:
                return found
    return next((node for node in reversed(list(drawing.nodes.values())) if node.kind in SAMPLERS), None)


def _earlier_sampler(drawing: Drawing, last: Node) -> tuple[list[Node], Node | None]:
    """(the nodes between, the sampler whose picture this one goes on with)."""
    between: list[Node] = []
    for node in list(drawing.walk(last, LATENT_KEYS))[1:]:
        if node.kind in SAMPLERS:
            return between, node
        between.append(node)
    return [], None


def _sampling(drawing: Drawing, node: Node) -> dict[str, Any]:
    guider, noise = drawing.behind(node, "guider"), drawing.behind(node, "noise")
    select, sigmas = drawing.behind(node, "sampler"), drawing.behind(node, "sigmas")
    found = {
        "seed": _first(drawing, (node, "seed"), (node, "noise_seed"), (noise, "noise_seed")),
        "steps": _first(drawing, (node, "steps"), (sigmas, "steps")),
        "cfg_scale": _first(drawing, (node, "cfg"), (guider, "cfg")),
    }
    name = _first(drawing, (node, "sampler_name"), (select, "sampler_name"))
    schedule = _first(drawing, (node, "scheduler"), (sigmas, "scheduler"))
    if name == "ddim":  # ComfyUI's "ddim" runs its euler
        name = "euler"
    words, notes = sampler_words(name, schedule)
    drawing.notes.extend(notes)
    found |= words
    if name == "uni_pc_bh2":
        found["sampling"] = {"unipc_variant": "bh2"}
    return {key: value for key, value in found.items() if value is not None}


def _first(drawing: Drawing, *places: tuple[Node | None, str]) -> Any:
    """The first value that stands in one of the places."""
    values = (drawing.value(node, key) for node, key in places if node is not None)
    return next((value for value in values if value is not None), None)


def _prompts(drawing: Drawing, node: Node) -> dict[str, str]:
    holder = node if "positive" in node.inputs else drawing.behind(node, "guider") or node
    key = "positive" if "positive" in holder.inputs else "conditioning"
    texts = {"prompt": _text(drawing, holder, key), "negative_prompt": _text(drawing, holder, "negative")}
    return {name: text for name, text in texts.items() if text}


def _text(drawing: Drawing, node: Node, key: str) -> str:
    """The words at the end of a chain of conditionings."""
    current, seen = drawing.behind(node, key), 0
    while current is not None and seen < MOST_STEPS:
        seen += 1
        if any(word in current.kind for word in ("Combine", "Concat", "Average")):
            drawing.notes.append(f"{current.kind} joins several prompts: only the first is taken")
        if current.kind == "ConditioningZeroOut":
            return ""
        if current.kind.startswith("ControlNet"):
            drawing.notes.append("ControlNet was at work: give its unit again")
        for name in TEXT_KEYS:
            value = drawing.value(current, name) if name in current.inputs else None
            if isinstance(value, str):
                return value
        ways = (*CONDITIONING_KEYS, key)
        current = next((found for way in ways if (found := drawing.behind(current, way)) is not None), None)
    return ""


def _networks(drawing: Drawing, node: Node) -> dict[str, Any]:
    """Checkpoint, VAE, LoRAs and clip skip along the chains of models and of text encoders."""
    found: dict[str, Any] = {}
    loras: list[LoraUse] = []
    holder = node if "model" in node.inputs else drawing.behind(node, "guider") or node
    for one in drawing.walk(drawing.behind(holder, "model"), ("model", "unet", "ckpt")):
        if name := model_name(_first(drawing, (one, "ckpt_name"), (one, "unet_name"))):
            found["model"] = ModelRef(name=name)
        if lora := model_name(drawing.value(one, "lora_name")):
            loras.append(_lora(drawing, one, lora))
    if loras:
        found["loras"] = tuple(reversed(loras))  # the chain is walked from its end
    for one in drawing.nodes.values():
        if one.kind == "VAELoader" and (name := model_name(drawing.value(one, "vae_name"))):
            found["vae"] = ModelRef(name=name)
        if one.kind == "CLIPSetLastLayer" and isinstance(layer := drawing.value(one, "stop_at_clip_layer"), int):
            found["clip_skip"] = abs(layer)
    return found


def _lora(drawing: Drawing, node: Node, name: str) -> LoraUse:
    unet = _first(drawing, (node, "strength_model"), (node, "strength"))
    text = drawing.value(node, "strength_clip") if "strength_clip" in node.inputs else unet
    fields = {key: value for key, value in (("unet", unet), ("text", text)) if value is not None}
    return LoraUse.model_validate({"model": ModelRef(name=name), **fields})


def _denoise(drawing: Drawing, node: Node) -> float:
    value = _first(drawing, (node, "denoise"), (drawing.behind(node, "sigmas"), "denoise"))
    return float(value) if isinstance(value, (int, float)) else 1.0


def _start(drawing: Drawing, node: Node, denoise: float) -> dict[str, Any]:
    """Width and height of the empty latent; a picture to start from can only be noted."""
    found: dict[str, Any] = {}
    for one in list(drawing.walk(node, LATENT_KEYS))[1:]:
        if "width" in one.inputs and "height" in one.inputs and not found:
            size = {key: drawing.value(one, key) for key in ("width", "height")}
            found = {key: value for key, value in size.items() if value is not None}
        batch = drawing.value(one, "batch_size") if "batch_size" in one.inputs else 1
        if isinstance(batch, int) and batch > 1:
            drawing.notes.append(
                f"it came from a batch of {batch}, whose noise ComfyUI draws in one piece: only the first can be repeated"
            )
        if one.kind.startswith("LoadImage"):
            drawing.notes.append(
                "it was painted over another picture, which is not in the file: "
                f"give that picture with Denoising strength: {denoise:g}"
            )
    return found


def _hires(drawing: Drawing, node: Node, between: list[Node], base: Mapping[str, Any]) -> dict[str, Any]:
    """The second sampler as a hires pass: what differs from the first, and how the picture grew in between."""
    own = _sampling(drawing, node)
    hires: dict[str, Any] = {"denoising_strength": _denoise(drawing, node)}
    hires |= {
        key: own[key]
        for key in ("steps", "cfg_scale", "sampler", "schedule")
        if key in own and own[key] != base.get(key)
    }
    prompts = _prompts(drawing, node)
    hires |= {key: text for key, text in prompts.items() if text != base.get(key)}
    if own.get("seed") != base.get("seed"):
        drawing.notes.append("the second pass had a seed of its own; here both have the first one's")
    hires["upscaler"] = "Latent"
    hires["upscale"] = 1.0
    for one in reversed(between):
        _grow(drawing, one, hires)
    return hires


def _grow(drawing: Drawing, node: Node, hires: dict[str, Any]) -> None:
    method = str(drawing.value(node, "upscale_method") or "")
    factor = drawing.value(node, "scale_by")
    if name := model_name(drawing.value(node, "model_name") if node.kind.startswith("UpscaleModel") else ""):
        hires["upscaler"] = name
        return
    if node.kind.startswith("ImageUpscaleWithModel"):
        loader = drawing.behind(node, "upscale_model")
        hires["upscaler"] = model_name(drawing.value(loader, "model_name")) if loader else "Lanczos"
        hires["upscale"] = 4.0
        drawing.notes.append("how much the upscaler enlarged is not in the graph: four times is taken")
        return
    if not method:
        return
    latent = node.kind.startswith("Latent")
    if hires["upscaler"] in ("Latent", "Lanczos", "Nearest") or latent:
        hires["upscaler"] = LATENT_UPSCALERS.get(method, "Latent") if latent else PIXEL_UPSCALERS.get(method, "Lanczos")
    if isinstance(factor, (int, float)):
        hires["upscale"] = float(factor) * float(hires["upscale"])
    width, height = drawing.value(node, "width"), drawing.value(node, "height")
    if isinstance(width, int) and isinstance(height, int):
        hires["width"], hires["height"] = width, height
