"""The words of A1111's infotext: which key names which field of a recipe, in which order they stand, and which fields have no key."""

import re
from types import MappingProxyType

from danqing.base.knobs import knobs
from danqing.base.recipe import Recipe

PROGRAM = "danqing"
"""Stands before our version under the key `Version`; A1111 finds no version of its own there and switches nothing back."""

ORDER = (
    "Steps",
    "Sampler",
    "Schedule type",
    "CFG scale",
    "Image CFG scale",
    "Seed",
    "Face restoration",
    "Size",
    "Model hash",
    "Model",
    "VAE hash",
    "VAE",
    "Variation seed",
    "Variation seed strength",
    "Seed resize from",
    "Denoising strength",
    "Conditional mask weight",
    "Clip skip",
    "ENSD",
    "Token merging ratio",
    "Token merging ratio hr",
    "Init image hash",
    "RNG",
    "Tiling",
    "Hires checkpoint",
    "Hires sampler",
    "Hires prompt",
    "Hires negative prompt",
    "Hires schedule type",
    "Hires upscale",
    "Hires resize",
    "Hires steps",
    "Hires upscaler",
    "Hires CFG Scale",
    "Lora hashes",
    "TI hashes",
)
"""A1111's own order; other keys follow in the order in which they are made, `Version` last."""

PLAIN_PARTS = ("noise", "sampling", "guidance", "text", "sdxl", "speed")
"""Parts of a recipe whose fields stand in the infotext as `key: value`, left out at their defaults."""

WORDED = MappingProxyType({"sampling.zero_terminal_snr": ("Noise Schedule", "Zero Terminal SNR")})
"""Switches that A1111 writes as a word instead of True."""

CONTROL_MODES = MappingProxyType(
    {"balanced": "Balanced", "prompt": "My prompt is more important", "control": "ControlNet is more important"}
)
CONTROL_RESIZE_MODES = MappingProxyType(
    {
        "just resize": "Just Resize",
        "crop and resize": "Crop and Resize",
        "resize and fill": "Resize and Fill",
        "latent upscale": "Latent Upscale",
    }
)

UNNAMED = MappingProxyType(
    {
        "prediction": "A1111 asks the model file",
        "text.comma_backtrack": "an option without a key",
        "sdxl.original_width": "no key",
        "sdxl.original_height": "no key",
        "sdxl.score": "no key",
        "sdxl.negative_score": "no key",
        "init": "the picture itself is not in the text, only ten letters of its hash and the strength",
        "inpaint": "the mask is not in the text, only its blur, area and content",
        "controls.image": "the picture is not in the text",
        "controls.mask": "the picture is not in the text",
        "tiled": "extensions write keys of their own",
        "patches": "extensions write keys of their own",
        "finishers": "extensions write keys of their own",
        "model.sha256": "ten hex digits of it",
        "vae.sha256": "ten hex digits of it",
        "refiner.model.sha256": "ten hex digits of it",
        "hires.model.sha256": "ten hex digits of it",
        "loras": "as tags in the prompt, from where `expand` lifts them again",
        "hypernets": "as tags in the prompt",
        "embeddings": "as names in the prompt",
        "hires.loras": "as tags in the hires prompt; without a hires prompt the first prompt is repeated there",
        "hires.hypernets": "as tags in the hires prompt",
        "hires.upscale": "only while no hires width or height is given, which is when it counts",
        "hires.denoising_strength": "not beside an init image: both have the same key",
        "hires.prompt": "a hires prompt that only holds spaces",
        "variation": "at strength 0, where its seed has no effect; a resize only when both sides are given",
    }
)
"""Fields that A1111's text can't name, or not wholly, and why. The JSON in the file names them all. Beside these, the
text trims spaces at both ends of each line of a prompt, drops empty lines at its ends, and can't hold a line that begins
with `Negative prompt:`, a carriage return, nul or half a surrogate pair."""

SAMPLER_WORDS = (
    "DPM++ 2M",
    "DPM++ SDE",
    "DPM++ 2M SDE",
    "DPM++ 2M SDE Heun",
    "DPM++ 2S a",
    "DPM++ 3M SDE",
    "Euler a",
    "Euler",
    "LMS",
    "Heun",
    "DPM2",
    "DPM2 a",
    "DPM fast",
    "DPM adaptive",
    "Restart",
    "DDIM",
    "DDIM CFG++",
    "PLMS",
    "UniPC",
    "LCM",
)
SCHEDULE_WORDS = (
    "Automatic",
    "Uniform",
    "Karras",
    "Exponential",
    "Polyexponential",
    "SGM Uniform",
    "KL Optimal",
    "Align Your Steps",
    "Simple",
    "Normal",
    "DDIM",
    "Beta",
)
UPSCALER_WORDS = (
    "None",
    "Latent",
    "Latent (antialiased)",
    "Latent (bicubic)",
    "Latent (bicubic antialiased)",
    "Latent (nearest)",
    "Latent (nearest-exact)",
    "Lanczos",
    "Nearest",
    "R-ESRGAN 4x+",
    "R-ESRGAN 4x+ Anime6B",
    "R-ESRGAN 2x+",
    "R-ESRGAN General 4xV3",
    "R-ESRGAN General WDN 4xV3",
    "R-ESRGAN AnimeVideo",
    "SwinIR 4x",
    "ScuNET GAN",
    "ScuNET PSNR",
    "LDSR",
    "DAT x2",
    "DAT x3",
    "DAT x4",
)
"""Words of A1111's menus, to mend names whose spaces were lost; that they can be painted with is not said here."""

SILENT = (
    "Prompt",
    "Negative prompt",
    "Version",
    "User",
    "Lora hashes",
    "TI hashes",
    "Hashes",
    "Batch size",
    "Batch pos",
    "Wildcard prompt",
    "Wildcard negative prompt",
    "Styles",
    "Template",
    "Negative Template",
    "Parser",
    "Backend",
    "App",
    "Operations",
    "Pipeline",
    "Hires Module 1",
    "UniPC skip type",
    "Init image hash",
    "VAE Encoder",
    "VAE Decoder",
    "Cache FP16 weight for LoRA",
)
"""Keys that say something but decide nothing that isn't said elsewhere: they need no note."""

EXTRA_KNOWN = (
    "Face restoration",
    "Conditional mask weight",
    "Denoising",
    "First pass size",
    "Hires resize",
    "Model hash",
    "VAE hash",
    "Size",
    "Seed resize from",
    "Mask blur",
    "Mask mode",
    "Masked content",
    "Masked area padding",
    "Inpaint area",
    "Noise multiplier",
    "Extra noise",
    "Refiner",
    "Refiner switch at",
    "Refiner switch by sampling steps",
    "FP8 weight",
    "Skip Early CFG",
    "NGMS all steps",
    "Script",
    "Distilled CFG Scale",
    "ADetailer model",
    "ControlNet",
    "Dialect",
)


def squeezed(word: str) -> str:
    """A key or name as it is compared: letters, digits and signs only, in lower case, so that `CFGscale` is `CFG scale`."""
    return re.sub(r"[\s_]+", "", word).casefold()


def knob_keys() -> dict[str, str]:
    """Infotext key by field path ("hires.steps"), for every field whose knob has one."""
    return {field.path: field.knob.infotext for field in knobs(Recipe) if field.knob.infotext}


def known_keys() -> tuple[str, ...]:
    """Every key that danqing understands, longest first."""
    words = {*ORDER, *knob_keys().values(), *SILENT, *EXTRA_KNOWN} - {"Size-1", "Size-2", "Prompt", "Negative prompt"}
    return tuple(sorted(words, key=lambda word: (-len(word), word)))
