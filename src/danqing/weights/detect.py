"""What a model file is: its kind and family, by tensor names and shapes alone. Opens no weights and needs no torch."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from danqing.base.errors import ModelError
from danqing.base.protocols import ModelKind
from danqing.weights.families import FAMILIES, Families, Family
from danqing.weights.header import Header, read_header
from danqing.weights.structure import (
    UNET_PREFIX,
    VAE_PREFIX,
    UNetStructure,
    unet_of_config,
    unet_of_diffusers,
    unet_of_ldm,
)
from danqing.weights.upscalers.recognition import describe as describe_upscaler

FOLDER_MARK = "model_index.json"


@dataclass(frozen=True)
class Detection:
    """`family` is its name, "" where it has none or isn't known; `note` says in words what was found."""

    kind: ModelKind
    family: str = ""
    note: str = ""


def detect(path: Path, families: Families = FAMILIES) -> Detection:
    """Kind and family of a single file or a diffusers folder. Raises ModelError when it can't be read at all."""
    return detect_folder(path, families) if path.is_dir() else detect_header(read_header(path), families)


def detect_header(header: Header, families: Families = FAMILIES) -> Detection:
    """Kind and family by the tensors of a single file."""
    for look in LOOKS:
        found = look(header, families)
        if found is not None:
            return found
    shown = ", ".join(sorted(header.tensors)[:3])
    return Detection(
        "unknown", "", f"{len(header.tensors)} tensors of no known kind ({shown} ...)" if shown else "no tensors in it"
    )


def detect_folder(folder: Path, families: Families = FAMILIES) -> Detection:
    """Kind and family of a folder in diffusers' layout."""
    if not (folder / FOLDER_MARK).is_file():
        raise ModelError(f"{folder.name}: no diffusers folder ({FOLDER_MARK} is missing)")
    structure = unet_of_config(read_json(folder / "unet" / "config.json"))
    family = family_of(structure, families)
    if family is None:
        return Detection(
            "unknown", "", f"a diffusers folder with {describe(structure)}, which is no family that danqing knows"
        )
    return Detection("checkpoint", family.name, family.title)


def family_of(structure: UNetStructure, families: Families = FAMILIES) -> Family | None:
    """The family with that structure. The widths decide only between families that are built alike."""
    fitting = [family for family in families if family.pattern.fits(structure)]
    same_width = [family for family in fitting if family.context_width == structure.context]
    return next(iter(same_width or fitting), None)


def describe(structure: UNetStructure) -> str:
    """A network's build in words, for reports on unknown ones."""
    levels = "/".join(str(width) for width in structure.channels)
    return f"a UNet of {structure.in_channels} input channels, {levels} wide, text {structure.context} wide"


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a file. Raises ModelError."""
    try:
        found: Any = json.loads(path.read_text("utf-8"))
    except OSError as problem:
        raise ModelError(f"{path.parent.name}/{path.name}: can't be read ({problem.strerror})") from problem
    except ValueError as problem:
        raise ModelError(f"{path.parent.name}/{path.name}: no JSON ({str(problem)[:60]})") from problem
    if not isinstance(found, dict):
        raise ModelError(f"{path.parent.name}/{path.name}: a JSON object is needed")
    return found


def _checkpoint(header: Header, families: Families) -> Detection | None:
    if f"{UNET_PREFIX}input_blocks.0.0.weight" not in header:
        if header.has_prefix(UNET_PREFIX):
            return Detection(
                "unknown",
                "",
                "a diffusion model of a later make (a transformer, not a UNet), which danqing doesn't know",
            )
        return None
    structure = unet_of_ldm(header.below(UNET_PREFIX))
    if structure is None:
        return Detection("unknown", "", "a diffusion model whose UNet is incomplete or built in an unknown way")
    family = family_of(structure, families)
    if family is None:
        return Detection("unknown", "", f"{describe(structure)}, which is no family that danqing knows")
    missing = [
        title
        for prefix, title in ((VAE_PREFIX, "VAE"), (family.towers[0].prefix.split(".")[0], "text encoder"))
        if not header.has_prefix(prefix)
    ]
    note = f"{family.title}, without its {' and '.join(missing)}" if missing else family.title
    return Detection("checkpoint", family.name, note)


def _controlnet(header: Header, families: Families) -> Detection | None:
    marks = (
        "input_hint_block.0.weight",
        "control_model.input_hint_block.0.weight",
        "controlnet_cond_embedding.conv_in.weight",
    )
    if not any(mark in header for mark in marks):
        return None
    context = next((info.shape[-1] for name, info in header.tensors.items() if name.endswith("attn2.to_k.weight")), 0)
    family = _by_context(context, families)
    return Detection("controlnet", family, _kind_note("ControlNet", family, families))


LORA_PIECES = re.compile(
    r"\.(lora_(down|up|mid)\.weight|lora_[AB](\.default)?\.weight|lora\.(down|up)\.weight|lora_linear_layer\.(down|up)\.weight"
    r"|hada_w1_a|lokr_w[12](_[ab])?|on_input|diff(_b)?|oft_blocks|oft_diag|oft_R(\.default)?\.weight|boft_R(\.default)?|w_norm|[ab][12]\.weight|dora_scale|(to_[qkv]|to_out)_lora\.(down|up)\.weight)$"
)
KOHYA_KEY = re.compile(r"lora_(unet|te\d?|prior_unet)_")


def _lora(header: Header, families: Families) -> Detection | None:
    pieces = [name for name in header.tensors if LORA_PIECES.search(name)]
    if not pieces and not any(KOHYA_KEY.match(name) for name in header.tensors):
        return None
    family = _lora_family(header, families)
    return Detection("lora", family, _kind_note("LoRA", family, families))


def _lora_family(header: Header, families: Families) -> str:
    """By the width of the text that cross-attention reads; where only text encoders are touched, by their names and widths."""
    towers: set[int] = set()
    for name, info in header.tensors.items():
        width = _input_width(name, info.shape)
        if width and re.search(r"attn2[._]to_[kv]|attn2\.processor\.to_[kv]", name):
            return _by_context(width, families)
        if width and re.search(r"self_attn[._][qkv]_proj", name):
            towers.add(width)
    if len(towers) > 1 or any(name.startswith(("lora_te2_", "text_encoder_2.")) for name in header.tensors):
        return _by_context(2048, families)
    return _by_context(towers.pop(), families) if towers else ""


def _input_width(name: str, shape: tuple[int, ...]) -> int:
    """The input width of the layer that a LoRA piece is for, as far as this piece tells it."""
    if len(shape) < 2:
        return 0
    down = name.endswith(
        ("lora_down.weight", "lora_A.weight", "lora_A.default.weight", "lora.down.weight", "_layer.down.weight")
    )
    if down or name.endswith(("_lora.down.weight", "hada_w1_b", ".diff")):
        return shape[1]
    return 0


def _by_context(width: int, families: Families) -> str:
    return next((family.name for family in families if family.context_width == width and not family.kin), "")


def _kind_note(what: str, family: str, families: Families) -> str:
    title = next((one.title for one in families if one.name == family), "")
    return f"{what} for {title}" if title else what


def _embedding(header: Header, families: Families) -> Detection | None:
    """Textual inversion: few vectors and nothing else, in one of four containers."""
    shapes = {name: info.shape for name, info in header.tensors.items()}
    first = next(iter(shapes), "")
    if any(name.startswith("string_to_param.") for name in shapes) or "emb_params" in shapes:
        width = next(
            (shapes[name] or (0,))[-1] for name in shapes if name == "emb_params" or name.startswith("string_to_param.")
        )
    elif {"clip_l", "clip_g"} <= set(shapes) or set(shapes) == {"clip_g"}:
        width = 2048 if "clip_l" in shapes else 1280
    elif len(shapes) == 1 and "." not in first and shapes[first] and shapes[first][-1] in _text_widths(families):
        width = shapes[first][-1]
    else:
        return None
    family = _by_context(width, families)
    return Detection("embedding", family, _kind_note("textual inversion", family, families))


def _text_widths(families: Families) -> set[int]:
    return {family.context_width for family in families}


def _hypernet(header: Header, families: Families) -> Detection | None:
    widths = {int(match[1]) for name in header.tensors if (match := re.match(r"(\d+)\.[01]\.linear\.", name))}
    if not widths:
        return None
    family = next((name for width in sorted(widths, reverse=True) if (name := _by_context(width, families))), "")
    return Detection("hypernet", family, _kind_note("hypernetwork", family, families))


def _vae(header: Header, families: Families) -> Detection | None:
    for prefix in ("", VAE_PREFIX, "vae."):
        inner = header.below(prefix) if prefix else header
        ldm = "encoder.down.0.block.0.conv1.weight" in inner
        if (ldm or "encoder.down_blocks.0.resnets.0.conv1.weight" in inner) and "decoder.conv_in.weight" in inner:
            latent = inner.shape("decoder.conv_in.weight")[1]
            return Detection("vae", "", f"VAE with {latent} latent channels")
    if "decoder.layers.0.weight" in header or ("1.weight" in header and "3.conv.0.weight" in header):
        return Detection("unknown", "", "a tiny autoencoder for previews (TAESD)")
    return None


def _upscaler(header: Header, families: Families) -> Detection | None:
    what = describe_upscaler(header)
    return Detection("upscaler", "", what) if what else None


def _parts(header: Header, families: Families) -> Detection | None:
    """Single parts of a checkpoint: named, but nothing that paints alone."""
    structure = unet_of_diffusers(header) or unet_of_ldm(header)
    if structure is not None:
        family = family_of(structure, families)
        title = family.title if family else "an unknown family"
        return Detection(
            "unknown", family.name if family else "", f"a UNet of {title} alone, without text encoder and VAE"
        )
    if header.has_prefix("text_model.encoder.layers.0.") or header.has_prefix("encoder.layers.0.self_attn."):
        return Detection("unknown", "", "a CLIP text encoder alone")
    if "double_blocks.0.img_attn.qkv.weight" in header or "joint_blocks.0.context_block.attn.qkv.weight" in header:
        return Detection("unknown", "", "a diffusion transformer (Flux or SD3), which danqing doesn't know")
    return None


LOOKS: tuple[Callable[[Header, Families], Detection | None], ...] = (
    _checkpoint,
    _controlnet,
    _lora,
    _embedding,
    _hypernet,
    _vae,
    _upscaler,
    _parts,
)
