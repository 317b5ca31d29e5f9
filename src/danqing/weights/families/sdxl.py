"""Stable Diffusion XL base and its inpainting: two text encoders side by side, and ids for size and crop."""

from dataclasses import replace

from danqing.weights.families.family import Family, LatentFormat, Pattern, TextTower

SDXL = Family(
    name="sdxl",
    title="SDXL",
    pattern=Pattern(depths=(0, 2, 10), layers=2, linear=True, size_ids=True),
    towers=(
        TextTower("conditioner.embedders.0.transformer.", skip=2, final_norm=False, clip_skip=False),
        TextTower(
            "conditioner.embedders.1.model.",
            layout="openclip",
            pad=0,
            skip=2,
            final_norm=False,
            pooled=True,
            clip_skip=False,
        ),
    ),
    latent=LatentFormat(scale=0.13025),
    width=1024,
    height=1024,
    context_width=2048,
    size_ids=6,
    config="sdxl",
)

SDXL_INPAINT = replace(
    SDXL,
    name="sdxl_inpaint",
    title="SDXL inpainting",
    pattern=replace(SDXL.pattern, in_channels=9),
    unet_channels=9,
    kin="sdxl",
)
