"""The parts of a recipe: what each kind of picture-making needs beside prompt, seed and size. Fields with 0 or "" as "the usual" say so."""

from typing import Annotated, Literal

from danqing.base.knobs import Knob
from danqing.base.refs import HypernetUse, ImageRef, LoraUse, ModelRef
from danqing.base.seed import MAX_SEED
from danqing.base.value import Value

Emphasis = Literal["Original", "No norm", "Ignore", "None"]
NoiseSource = Literal["CPU", "NV"]
ResizeMode = Literal["just resize", "crop and resize", "resize and fill", "latent upscale"]
MaskedContent = Literal["fill", "original", "latent noise", "latent nothing"]
InpaintArea = Literal["whole picture", "only masked"]
ControlMode = Literal["balanced", "prompt", "control"]


class Variation(Value):
    """Noise mixed with that of a second seed, or drawn at another size first."""

    seed: Annotated[int, Knob("Variation seed", "The second seed.", 0, MAX_SEED, 1, infotext="Variation seed")] = 0
    strength: Annotated[
        float,
        Knob(
            "Variation strength",
            "0 is the first seed's picture, 1 the second's.",
            0,
            1,
            0.01,
            infotext="Variation seed strength",
        ),
    ] = 0.0
    from_width: Annotated[
        int, Knob("Resize seed from width", "Draw the noise at this width; 0 is off.", 0, 16384, 8)
    ] = 0
    from_height: Annotated[
        int, Knob("Resize seed from height", "Draw the noise at this height; 0 is off.", 0, 16384, 8)
    ] = 0


class Noise(Value):
    """Where noise comes from. A1111's "GPU" is what NVIDIA cards give: NV, the same everywhere."""

    source: Annotated[
        NoiseSource, Knob("Noise source", "CPU: torch's; NV: what NVIDIA cards give.", infotext="RNG", group="expert")
    ] = "CPU"
    seed_delta: Annotated[
        int,
        Knob(
            "Eta noise seed delta",
            "Added to the seed after the first noise; 31337 for NovelAI's.",
            0,
            2**32,
            1,
            infotext="ENSD",
            group="expert",
        ),
    ] = 0


class Sampling(Value):
    """Numbers inside samplers and schedules that A1111 keeps in its global options. 0 means the sampler's or schedule's own."""

    eta: Annotated[
        float, Knob("Eta", "Noise that ancestral and SDE samplers add.", 0, 10, 0.01, infotext="Eta", group="expert")
    ] = 1.0
    eta_ddim: Annotated[
        float, Knob("Eta for DDIM", "0 is deterministic, 1 is DDPM.", 0, 10, 0.01, infotext="Eta DDIM", group="expert")
    ] = 0.0
    churn: Annotated[
        float,
        Knob(
            "Sigma churn", "Stochasticity of Euler, Heun, DPM2.", 0, 100, 0.01, infotext="Sigma churn", group="expert"
        ),
    ] = 0.0
    churn_from: Annotated[
        float, Knob("Sigma tmin", "Lowest sigma that is churned.", 0, 1000, 0.01, infotext="Sigma tmin", group="expert")
    ] = 0.0
    churn_to: Annotated[
        float,
        Knob(
            "Sigma tmax",
            "Highest sigma that is churned; 0 is no limit.",
            0,
            1000,
            0.01,
            infotext="Sigma tmax",
            group="expert",
        ),
    ] = 0.0
    noise: Annotated[
        float,
        Knob("Sigma noise", "Factor on the noise that is added.", 0, 2, 0.001, infotext="Sigma noise", group="expert"),
    ] = 1.0
    sigma_min: Annotated[
        float,
        Knob("Schedule min sigma", "0 is the model's.", 0, 1000, 0.001, infotext="Schedule min sigma", group="expert"),
    ] = 0.0
    sigma_max: Annotated[
        float,
        Knob("Schedule max sigma", "0 is the model's.", 0, 1000, 0.001, infotext="Schedule max sigma", group="expert"),
    ] = 0.0
    rho: Annotated[
        float,
        Knob(
            "Schedule rho",
            "Bend of Karras and Polyexponential; 0 is their own.",
            0,
            100,
            0.01,
            infotext="Schedule rho",
            group="expert",
        ),
    ] = 0.0
    beta_alpha: Annotated[
        float,
        Knob(
            "Beta schedule alpha",
            "Shape of the Beta schedule.",
            0.01,
            100,
            0.01,
            infotext="Beta schedule alpha",
            group="expert",
        ),
    ] = 0.6
    beta_beta: Annotated[
        float,
        Knob(
            "Beta schedule beta",
            "Shape of the Beta schedule.",
            0.01,
            100,
            0.01,
            infotext="Beta schedule beta",
            group="expert",
        ),
    ] = 0.6
    discard_penultimate: Annotated[
        bool,
        Knob(
            "Always discard next-to-last sigma",
            "Some old pictures need it.",
            infotext="Discard penultimate sigma",
            group="expert",
        ),
    ] = False
    sgm_noise: Annotated[
        bool,
        Knob(
            "SGM noise multiplier",
            "Start as Stability's own code does.",
            infotext="SGM noise multiplier",
            group="expert",
        ),
    ] = False
    zero_terminal_snr: Annotated[
        bool, Knob("Zero terminal SNR", "For models trained so.", infotext="Noise Schedule", group="expert")
    ] = False
    unipc_variant: Annotated[
        Literal["bh1", "bh2"],
        Knob(
            "UniPC variant",
            "Which of the paper's two B(h) functions; bh1 suits few steps.",
            infotext="UniPC variant",
            group="expert",
        ),
    ] = "bh1"
    unipc_order: Annotated[
        int,
        Knob(
            "UniPC order", "Order of accuracy; 2 or 3 with guidance.", 1, 50, 1, infotext="UniPC order", group="expert"
        ),
    ] = 3
    unipc_lower_final: Annotated[
        bool,
        Knob(
            "UniPC lower order final",
            "Lower the order in the last steps, which steadies few-step pictures.",
            infotext="UniPC lower order final",
            group="expert",
        ),
    ] = True


class Guidance(Value):
    """How the prompt pulls, beyond CFG scale."""

    rescale: Annotated[
        float, Knob("CFG rescale", "Tames the contrast of high CFG; 0 is off.", 0, 1, 0.05, infotext="CFG Rescale phi")
    ] = 0.0
    start: Annotated[
        float,
        Knob("Guidance from", "Share of the steps before which CFG is off.", 0, 1, 0.01, infotext="Guidance start"),
    ] = 0.0
    end: Annotated[
        float, Knob("Guidance until", "Share of the steps after which CFG is off.", 0, 1, 0.01, infotext="Guidance end")
    ] = 1.0
    skip_below_sigma: Annotated[
        float,
        Knob(
            "Negative guidance minimum sigma",
            "Every other step below it goes without the negative prompt; 0 is off.",
            0,
            15,
            0.01,
            infotext="NGMS",
        ),
    ] = 0.0
    image_scale: Annotated[
        float,
        Knob(
            "Image CFG scale",
            "How closely InstructPix2Pix keeps to the picture.",
            0,
            30,
            0.05,
            infotext="Image CFG scale",
        ),
    ] = 1.5


class TextEncoding(Value):
    """How prompts become conditioning."""

    emphasis: Annotated[
        Emphasis,
        Knob("Emphasis", "How (weights) act on the text encoder's output.", infotext="Emphasis", group="expert"),
    ] = "Original"
    comma_backtrack: Annotated[
        int, Knob("Comma backtrack", "Tokens to look back for a comma at the end of a chunk.", 0, 74, 1, group="expert")
    ] = 20
    pad_prompts: Annotated[
        bool, Knob("Pad prompts", "Make prompt and negative prompt equally long.", infotext="Pad conds", group="expert")
    ] = False
    old_timelines: Annotated[
        bool,
        Knob(
            "Old prompt editing timelines",
            "As A1111 before 1.6 counted steps.",
            infotext="Old prompt editing timelines",
            group="expert",
        ),
    ] = False
    skip_clip_l: Annotated[
        bool,
        Knob(
            "Clip skip in SDXL",
            "Clip skip acts on SDXL's first encoder too.",
            infotext="Clip skip SDXL",
            group="expert",
        ),
    ] = False


class SdxlSize(Value):
    """What SDXL is told about size and crop (0 is the painted size) and the refiner about beauty."""

    original_width: Annotated[int, Knob("Original width", "0 is the picture's.", 0, 16384, 8, group="expert")] = 0
    original_height: Annotated[int, Knob("Original height", "0 is the picture's.", 0, 16384, 8, group="expert")] = 0
    crop_top: Annotated[
        int,
        Knob(
            "Crop top",
            "Rows that SDXL is told were cut off above.",
            0,
            16384,
            1,
            infotext="SDXL crop top",
            group="expert",
        ),
    ] = 0
    crop_left: Annotated[
        int,
        Knob(
            "Crop left",
            "Columns that SDXL is told were cut off on the left.",
            0,
            16384,
            1,
            infotext="SDXL crop left",
            group="expert",
        ),
    ] = 0
    score: Annotated[float, Knob("Aesthetic score", "Asked of the refiner.", 0, 10, 0.1, group="expert")] = 6.0
    negative_score: Annotated[
        float,
        Knob("Negative aesthetic score", "Asked of the refiner for the negative prompt.", 0, 10, 0.1, group="expert"),
    ] = 2.5


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
        float, Knob("Refiner switch at", "Share of the steps.", 0.01, 1, 0.01, infotext="Refiner switch at")
    ] = 0.8


class InitImage(Value):
    """The picture that img2img starts from."""

    image: ImageRef
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


class Speed(Value):
    """Approximations that trade likeness for time; each says its error in the docs. 0 is off."""

    token_merging: Annotated[
        float,
        Knob(
            "Token merging", "Share of tokens merged in self-attention.", 0, 0.9, 0.05, infotext="Token merging ratio"
        ),
    ] = 0.0
    token_merging_hires: Annotated[
        float,
        Knob(
            "Token merging in hires", "The same for the second pass.", 0, 0.9, 0.05, infotext="Token merging ratio hr"
        ),
    ] = 0.0
    step_cache: Annotated[
        int, Knob("Step cache", "Deep layers are computed every n-th step only.", 0, 10, 1, infotext="Step cache")
    ] = 0
