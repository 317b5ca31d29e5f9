"""The axes of A1111's X/Y/Z plot by its own labels, as a table: which knobs each turns, and how it is shown. Nothing is turned here."""

from collections.abc import Mapping
from types import MappingProxyType

NOTHING, SEED, SIZE, STYLES = "Nothing", "Seed", "Size", "Styles"
PROMPT_SR, PROMPT_ORDER, DENOISING = "Prompt S/R", "Prompt order", "Denoising"

KNOBS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        SEED: ("seed",),
        "Var. seed": ("variation.seed",),
        "Var. strength": ("variation.strength",),
        "Steps": ("steps",),
        "Hires steps": ("hires.steps",),
        "CFG Scale": ("cfg_scale",),
        "Image CFG Scale": ("guidance.image_scale",),
        "Sampler": ("sampler",),
        "Hires sampler": ("hires.sampler",),
        "Checkpoint name": ("model",),
        "Negative Guidance minimum sigma": ("guidance.skip_below_sigma",),
        "Sigma Churn": ("sampling.churn",),
        "Sigma min": ("sampling.churn_from",),
        "Sigma max": ("sampling.churn_to",),
        "Sigma noise": ("sampling.noise",),
        "Schedule type": ("schedule",),
        "Schedule min sigma": ("sampling.sigma_min",),
        "Schedule max sigma": ("sampling.sigma_max",),
        "Schedule rho": ("sampling.rho",),
        "Beta schedule alpha": ("sampling.beta_alpha",),
        "Beta schedule beta": ("sampling.beta_beta",),
        # A1111 has one eta for a picture and lays it over those of ancestral samplers and of DDIM alike.
        "Eta": ("sampling.eta", "sampling.eta_ddim"),
        "Clip skip": ("clip_skip",),
        DENOISING: ("init.denoising_strength", "hires.denoising_strength"),
        "Initial noise multiplier": ("init.noise_multiplier",),
        "Extra noise": ("init.extra_noise",),
        "Hires upscaler": ("hires.upscaler",),
        "Cond. Image Mask Weight": ("inpaint.mask_weight",),
        "VAE": ("vae",),
        "UniPC Order": ("sampling.unipc_order",),
        "Token merging ratio": ("speed.token_merging",),
        "Token merging ratio high-res": ("speed.token_merging_hires",),
        "Always discard next-to-last sigma": ("sampling.discard_penultimate",),
        "SGM noise multiplier": ("sampling.sgm_noise",),
        "Refiner checkpoint": ("refiner.model",),
        "Refiner switch at": ("refiner.switch_at",),
        "RNG source": ("noise.source",),
    }
)
"""Paths of the knobs by A1111's label. Denoising turns the one of its two that the order has."""

ALIASES: Mapping[str, str] = MappingProxyType(
    {
        "Denoising strength": DENOISING,
        "Checkpoint": "Checkpoint name",
        "Prompt S&R": PROMPT_SR,
        "S/R": PROMPT_SR,
        "Variation seed": "Var. seed",
        "Hires. steps": "Hires steps",
        "Hires. sampler": "Hires sampler",
        "Hires. upscaler": "Hires upscaler",
        "Scheduler": "Schedule type",
        "Style": STYLES,
        "Sigma churn": "Sigma Churn",
    }
)

NOT_HERE: Mapping[str, str] = MappingProxyType(
    {
        "Face restore": "danqing has no face restoration yet",
        "FP8 mode": "danqing keeps no weights in 8 bits",
    }
)
"""Axes of A1111's that have nothing to turn here, and why."""

BARE = (NOTHING, PROMPT_SR, PROMPT_ORDER, STYLES, "Sampler", "Checkpoint name", "sampler", "model", "schedule")
"""Shown by their value alone: it says itself what it is."""

WORDS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        # What A1111 calls GPU is the noise of NVIDIA's cards.
        "noise.source": MappingProxyType({"gpu": "NV", "nv": "NV", "cpu": "CPU"}),
    }
)
"""Other words for a knob's choices, casefolded."""
NONE_WORDS = ("none", "automatic", "auto", "")
"""No other file: the checkpoint's own VAE, no refiner."""
