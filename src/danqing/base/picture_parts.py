"""Parts of a recipe that bring in more than its own pass: a second pass, other models, other pictures. "" and 0 mean "as before"."""

from typing import Annotated, Literal

from danqing.base.knobs import Knob
from danqing.base.refs import HypernetUse, ImageRef, LoraUse, ModelRef
from danqing.base.value import Value

ResizeMode = Literal["just resize", "crop and resize", "resize and fill", "latent upscale"]
MaskedContent = Literal["fill", "original", "latent noise", "latent nothing"]
InpaintArea = Literal["whole picture", "only masked"]
ControlMode = Literal["balanced", "prompt", "control"]


class Hires(Value):
    """A second pass over the enlarged first one. "" and 0 mean: as in the first pass."""

    upscale: Annotated[
        float, Knob("Upscale by", "Unless a size is given.", 1, 8, 0.05, infotext="Hires upscale", group="basic")
    ] = 2.0
    width: Annotated[int, Knob("Hires width", "0 goes by the factor or keeps the ratio.", 0, 16384, 8)] = 0
    height: Annotated[int, Knob("Hires height", "0 goes by the factor or keeps the ratio.", 0, 16384, 8)] = 0
    steps: Annotated[
        int, Knob("Hires steps", "0 is as many as the first pass.", 0, 1000, 1, infotext="Hires steps")
    ] = 0
    upscaler: Annotated[
        str, Knob("Hires upscaler", "Latent or picture upscaler.", infotext="Hires upscaler", group="basic")
    ] = "Latent"
    denoising_strength: Annotated[
        float,
        Knob("Hires denoising", "How much is painted anew.", 0, 1, 0.01, infotext="Denoising strength", group="basic"),
    ] = 0.7
    sampler: Annotated[str, Knob("Hires sampler", "Empty is the first pass's.", infotext="Hires sampler")] = ""
    schedule: Annotated[
        str, Knob("Hires schedule type", "Empty is the first pass's.", infotext="Hires schedule type")
    ] = ""
    cfg_scale: Annotated[
        float, Knob("Hires CFG scale", "0 is as in the first pass.", 0, 100, 0.5, infotext="Hires CFG Scale")
    ] = 0.0
    model: Annotated[
        ModelRef,
        Knob(
            "Hires checkpoint",
            "Another model for the second pass; empty is the same.",
            cost=1.0,
            infotext="Hires checkpoint",
        ),
    ] = ModelRef()
    prompt: Annotated[str, Knob("Hires prompt", "Empty is the first pass's.", infotext="Hires prompt")] = ""
    negative_prompt: Annotated[
        str, Knob("Hires negative prompt", "Empty is the first pass's.", infotext="Hires negative prompt")
    ] = ""
    loras: tuple[LoraUse, ...] = ()
    hypernets: tuple[HypernetUse, ...] = ()


class Refiner(Value):
    """Another checkpoint that takes over near the end."""

    model: Annotated[
        ModelRef, Knob("Refiner", "The checkpoint that finishes the picture.", cost=1.0, infotext="Refiner")
    ] = ModelRef()
    switch_at: Annotated[
        float, Knob("Refiner switch at", "Share of the noise, or steps.", 0.01, 1, 0.01, infotext="Refiner switch at")
    ] = 0.8
    by_steps: Annotated[
        bool,
        Knob(
            "Refiner switch by steps",
            "The share counts steps, as A1111 before 1.10 did; else how far the noise has gone down.",
            infotext="Refiner switch by sampling steps",
            group="expert",
        ),
    ] = False


class BlendImage(Value):
    """A further picture that the first one is mixed with, as latents."""

    image: ImageRef
    weight: Annotated[float, Knob("Blend weight", "Against the first picture's 1.", 0, 10, 0.05)] = 1.0


class InitImage(Value):
    """The picture that img2img starts from."""

    image: ImageRef
    blend: tuple[BlendImage, ...] = ()
    denoising_strength: Annotated[
        float,
        Knob(
            "Denoising strength",
            "0 keeps the picture, 1 forgets it.",
            0,
            1,
            0.01,
            infotext="Denoising strength",
            group="basic",
        ),
    ] = 0.75
    resize_mode: Annotated[ResizeMode, Knob("Resize mode", "How it is brought to size.")] = "just resize"
    upscaler: Annotated[str, Knob("Upscaler", "What enlarges it where it grows; empty is Lanczos.", group="expert")] = (
        ""
    )
    noise_multiplier: Annotated[
        float,
        Knob(
            "Noise multiplier",
            "Factor on the noise laid over the picture at the start.",
            0,
            1.5,
            0.001,
            infotext="Noise multiplier",
            group="expert",
        ),
    ] = 1.0
    extra_noise: Annotated[
        float,
        Knob(
            "Extra noise",
            "More noise laid over the picture, for more detail.",
            0,
            1,
            0.01,
            infotext="Extra noise",
            group="expert",
        ),
    ] = 0.0
    full_steps: Annotated[bool, Knob("Do exactly the steps asked", "Else strength shortens them.", group="expert")] = (
        False
    )
    color_correction: Annotated[
        bool, Knob("Keep its colours", "Match the original's colours afterwards.", infotext="Color correction")
    ] = False
    background: Annotated[str, Knob("Background", "Behind transparent pixels, #rrggbb.", group="expert")] = "#ffffff"


class SoftInpaint(Value):
    """Soft inpainting: the mask's grey decides how much of the original stays."""

    schedule_bias: Annotated[
        float,
        Knob(
            "Schedule bias",
            "Above 1 the original is kept longer in the early steps.",
            0,
            8,
            0.1,
            infotext="Soft inpainting schedule bias",
        ),
    ] = 1.0
    preservation: Annotated[
        float,
        Knob(
            "Preservation strength",
            "How strongly half-masked places keep the original.",
            0,
            8,
            0.05,
            infotext="Soft inpainting preservation strength",
        ),
    ] = 0.5
    contrast: Annotated[
        float,
        Knob(
            "Transition contrast boost",
            "How sharply original and new part where they blend.",
            1,
            32,
            0.5,
            infotext="Soft inpainting transition contrast boost",
        ),
    ] = 4.0
    mask_influence: Annotated[
        float,
        Knob(
            "Mask influence",
            "How much the mask itself still decides in the end.",
            0,
            1,
            0.05,
            infotext="Soft inpainting mask influence",
        ),
    ] = 0.0
    difference_threshold: Annotated[
        float,
        Knob(
            "Difference threshold",
            "How different a pixel must be before it is replaced.",
            0,
            8,
            0.25,
            infotext="Soft inpainting difference threshold",
        ),
    ] = 0.5
    difference_contrast: Annotated[
        float,
        Knob(
            "Difference contrast",
            "How sharp that threshold is.",
            0,
            8,
            0.25,
            infotext="Soft inpainting difference contrast",
        ),
    ] = 2.0


class Inpaint(Value):
    """Where the picture may change: white is painted anew."""

    mask: ImageRef
    blur_x: Annotated[float, Knob("Mask blur x", "Pixels.", 0, 64, 1, infotext="Mask blur", group="basic")] = 4.0
    blur_y: Annotated[float, Knob("Mask blur y", "Pixels.", 0, 64, 1)] = 4.0
    invert: Annotated[
        bool,
        Knob("Inpaint not masked", "Paint what is black in the mask, and keep what is white.", infotext="Mask mode"),
    ] = False
    content: Annotated[
        MaskedContent,
        Knob("Masked content", "What lies under the mask at the start.", infotext="Masked content", group="basic"),
    ] = "original"
    area: Annotated[
        InpaintArea,
        Knob("Inpaint area", "Whole picture, or the masked part at full size.", infotext="Inpaint area", group="basic"),
    ] = "whole picture"
    padding: Annotated[
        int, Knob("Masked area padding", "Pixels around it.", 0, 256, 4, infotext="Masked area padding")
    ] = 32
    mask_weight: Annotated[
        float,
        Knob(
            "Conditional mask weight",
            "How much inpainting models see of the original.",
            0,
            1,
            0.01,
            infotext="Conditional mask weight",
        ),
    ] = 1.0
    soft: SoftInpaint | None = None


class ControlUse(Value):
    """One ControlNet unit. -1 is the preprocessor's own value."""

    model: ModelRef = ModelRef()
    image: ImageRef | None = None
    mask: ImageRef | None = None
    module: str = "none"
    weight: Annotated[float, Knob("Control weight", "How strongly the control image leads.", 0, 2, 0.05)] = 1.0
    start: Annotated[float, Knob("Control start", "Share of the steps before which it is off.", 0, 1, 0.01)] = 0.0
    end: Annotated[float, Knob("Control end", "Share of the steps after which it is off.", 0, 1, 0.01)] = 1.0
    mode: Annotated[
        ControlMode, Knob("Control mode", "Whether the prompt or the control image wins where they disagree.")
    ] = "balanced"
    resize_mode: Annotated[ResizeMode, Knob("Resize mode", "How the control image is brought to size.")] = (
        "crop and resize"
    )
    processor_res: Annotated[
        int, Knob("Preprocessor resolution", "Pixels; -1 is the preprocessor's own.", -1, 4096, 8)
    ] = -1
    threshold_a: Annotated[
        float, Knob("Threshold A", "The preprocessor's first number; -1 is its own.", -1, 255, 1)
    ] = -1
    threshold_b: Annotated[
        float, Knob("Threshold B", "The preprocessor's second number; -1 is its own.", -1, 255, 1)
    ] = -1
    pixel_perfect: Annotated[bool, Knob("Pixel perfect", "Run the preprocessor at the picture's own resolution.")] = (
        False
    )
    hires: Annotated[
        Literal["both", "low res only", "high res only"], Knob("In hires fix", "In which of the passes the unit works.")
    ] = "both"
