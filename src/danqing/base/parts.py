"""Parts of a recipe that steer how one picture is sampled: noise, guidance, text, speed. Where 0 means "the usual", the help says so."""

from typing import Annotated, Literal, Self

from pydantic import model_validator

from danqing.base.knobs import Knob
from danqing.base.seed import MAX_SEED
from danqing.base.value import Value

Emphasis = Literal["Original", "No norm", "Ignore", "None"]
NoiseSource = Literal["CPU", "NV"]


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


LEAST_TILE = 16


class Tiled(Value):
    """Painted in overlapping tiles that are laid together at every step: large pictures, each part at the size the model knows.

    Bar-Tal et al. 2023 (MultiDiffusion), arXiv:2302.08113.
    """

    width: Annotated[int, Knob("Tile width", "Pixels; 0 is the model's own side.", 0, 16384, 64, group="expert")] = 0
    height: Annotated[int, Knob("Tile height", "Pixels; 0 is the model's own side.", 0, 16384, 64, group="expert")] = 0
    overlap: Annotated[
        int, Knob("Tile overlap", "Pixels that neighbours share; 0 is a quarter of a tile.", 0, 2048, 8, group="expert")
    ] = 0

    @model_validator(mode="after")
    def _large_enough(self) -> Self:
        for name, side in (("width", self.width), ("height", self.height)):
            if 0 < side < LEAST_TILE:
                raise ValueError(f"a tile's {name} is {LEAST_TILE} pixels at least, or 0 for the model's own")
        return self


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
