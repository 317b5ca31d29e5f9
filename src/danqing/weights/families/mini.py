"""danqing's embedded model: small, painted 128x128, trained for danqing itself."""

from danqing.weights.families.family import Family, LatentFormat, Pattern, TextTower

MINI = Family(
    name="mini",
    title="danqing mini",
    pattern=Pattern(depths=(0, 1, 1), layers=1),
    towers=(TextTower("cond_stage_model.transformer."),),
    latent=LatentFormat(scale=0.8219),
    width=128,
    height=128,
    cfg_scale=4.0,
    context_width=256,
    prediction="velocity",
    config="mini",
)
