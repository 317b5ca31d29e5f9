"""The SDXL refiner: finishes an SDXL picture's last steps; its ids are size, crop and an aesthetic score."""

from danqing.weights.families.family import Family, LatentFormat, Pattern, TextTower

REFINER = Family(
    name="refiner",
    title="SDXL refiner",
    pattern=Pattern(depths=(0, 4, 4, 0), layers=2, linear=True, size_ids=True),
    towers=(
        TextTower(
            "conditioner.embedders.0.model.",
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
    context_width=1280,
    size_ids=5,
    config="refiner",
)
