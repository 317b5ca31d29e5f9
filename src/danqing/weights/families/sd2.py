"""Stable Diffusion 2.x: OpenCLIP-H text, 768 pixels with velocity or 512 with epsilon (the file doesn't say which), and its inpainting."""

from dataclasses import replace

from danqing.weights.families.family import Family, Pattern, TextTower

SD2 = Family(
    name="sd2",
    title="SD 2.x",
    pattern=Pattern(depths=(1, 1, 1, 0), layers=2, linear=True),
    towers=(TextTower("cond_stage_model.model.", layout="openclip", pad=0, clip_skip=False),),
    width=768,
    height=768,
    context_width=1024,
    prediction="velocity",
    config="sd2",
)

SD2_INPAINT = replace(
    SD2,
    name="sd2_inpaint",
    title="SD 2.x inpainting",
    pattern=replace(SD2.pattern, in_channels=9),
    width=512,
    height=512,
    unet_channels=9,
    prediction="epsilon",
    kin="sd2",
)
