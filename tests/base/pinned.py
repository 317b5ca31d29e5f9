"""Twenty recipes whose digests are pinned for ever in tests/golden/recipe_digests.json. Never edit one; add."""

from danqing.base.parts import Guidance, Noise, Sampling, SdxlSize, Speed, TextEncoding, Variation
from danqing.base.picture_parts import ControlUse, Hires, InitImage, Inpaint, Refiner, SoftInpaint
from danqing.base.recipe import Recipe
from danqing.base.refs import HypernetUse, ImageRef, LoraUse, ModelRef, Use

MODEL = ModelRef(name="anything-v3", sha256="8712e20a5d" + "0" * 54)
IMAGE = ImageRef(sha256="ab" * 32, name="cat.png")

PINNED: dict[str, Recipe] = {
    "empty": Recipe(),
    "prompt": Recipe(prompt="1girl, long green hair, glasses, smile, orange background", seed=7),
    "negative": Recipe(prompt="a cat", negative_prompt="blurry"),
    "chinese": Recipe(prompt="红色头发的女孩"),
    "korean": Recipe(prompt="빨간 사과"),
    "emoji and newline": Recipe(prompt="a 🐧\nin the snow"),
    "size": Recipe(width=300, height=400),
    "sampler": Recipe(sampler="Euler a", schedule="Karras", steps=30, cfg_scale=10),
    "large seed": Recipe(seed=2**64 - 1),
    "model": Recipe(model=MODEL, vae=ModelRef(name="kl-f8"), clip_skip=2),
    "variation": Recipe(variation=Variation(seed=3, strength=0.25, from_width=512, from_height=512)),
    "noise": Recipe(noise=Noise(source="NV", seed_delta=31337)),
    "sampling": Recipe(sampling=Sampling(eta=0.5, churn=1.5, rho=5, discard_penultimate=True)),
    "guidance": Recipe(guidance=Guidance(rescale=0.7, start=0.1, end=0.8), text=TextEncoding(emphasis="No norm")),
    "loras": Recipe(
        loras=(LoraUse(model=ModelRef(name="ink"), unet=0.8, text=0.5),), embeddings=(ModelRef(name="bad-artist"),)
    ),
    "hires": Recipe(hires=Hires(upscale=1.5, upscaler="Lanczos", denoising_strength=0.55)),
    "refiner": Recipe(refiner=Refiner(model=MODEL, switch_at=0.7), sdxl=SdxlSize(score=6.5)),
    "img2img": Recipe(init=InitImage(image=IMAGE, denoising_strength=0.6)),
    "inpaint": Recipe(init=InitImage(image=IMAGE), inpaint=Inpaint(mask=IMAGE, soft=SoftInpaint(contrast=2))),
    "control": Recipe(controls=(ControlUse(model=ModelRef(name="canny"), image=IMAGE, weight=0.9),)),
    "tools": Recipe(
        finishers=(Use(name="detailer", settings={"model": "face", "confidence": 0.3}),), speed=Speed(step_cache=2)
    ),
    "everything": Recipe(
        prompt="a",
        negative_prompt="b",
        dialect="a1111",
        model=MODEL,
        prediction="velocity",
        seed=1,
        width=640,
        height=448,
        steps=25,
        sampler="DDIM",
        schedule="DDIM",
        cfg_scale=6.5,
        clip_skip=2,
        tiling=True,
        hypernets=(HypernetUse(model=ModelRef(name="anime"), weight=0.4),),
        hires=Hires(width=1024, height=1024, steps=12, model=MODEL, prompt="c"),
        patches=(Use(name="freeu", settings={"b1": 1.1, "b2": 1.2, "s1": 0.9, "s2": 0.2}),),
    ),
}
