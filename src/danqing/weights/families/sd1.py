"""Stable Diffusion 1.x and its kin that take more input: inpainting (mask and masked picture) and InstructPix2Pix (the picture to edit)."""

from dataclasses import replace

from danqing.weights.families.family import Family, Pattern, TextTower

SD1 = Family(
    name="sd1",
    title="SD 1.x",
    pattern=Pattern(depths=(1, 1, 1, 0), layers=2),
    towers=(TextTower("cond_stage_model.transformer."),),
    config="sd1",
)

SD1_INPAINT = replace(
    SD1,
    name="sd1_inpaint",
    title="SD 1.x inpainting",
    pattern=replace(SD1.pattern, in_channels=9),
    unet_channels=9,
    kin="sd1",
    config="sd1_inpaint",
)

SD1_PIX2PIX = replace(
    SD1,
    name="sd1_pix2pix",
    title="InstructPix2Pix (SD 1.x)",
    pattern=replace(SD1.pattern, in_channels=8),
    unet_channels=8,
    kin="sd1",
    edits=True,
    config="sd1_pix2pix",
)
