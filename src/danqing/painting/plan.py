"""A plan is a recipe made explicit: its passes, each with its own models, prompts, size and sampler. Printable, and free of torch."""

from dataclasses import dataclass, replace
from typing import Literal

from danqing.base.parts import Guidance, Sampling
from danqing.base.recipe import Recipe
from danqing.base.refs import HypernetUse, LoraUse, ModelRef
from danqing.base.size import hires_crop, hires_size, painted_size
from danqing.diffusion.names import resolve_sampler
from danqing.weights.patches.settings import NetworkPatch, network_patches

LATENT_UPSCALERS: dict[str, tuple[str, bool]] = {
    "Latent": ("bilinear", False),
    "Latent (antialiased)": ("bilinear", True),
    "Latent (bicubic)": ("bicubic", False),
    "Latent (bicubic antialiased)": ("bicubic", True),
    "Latent (nearest)": ("nearest", False),
    "Latent (nearest-exact)": ("nearest-exact", False),
}
"""Interpolation mode and antialiasing, by A1111's names."""
PIXEL_UPSCALERS: tuple[str, ...] = ("Lanczos", "Nearest")


@dataclass(frozen=True)
class Networks:
    """Which files a pass paints with: the checkpoint, another VAE perhaps, and what is laid over them."""

    model: ModelRef
    vae: ModelRef
    loras: tuple[LoraUse, ...] = ()
    hypernets: tuple[HypernetUse, ...] = ()
    patches: tuple[NetworkPatch, ...] = ()


@dataclass(frozen=True)
class Handover:
    """Another checkpoint takes over within a pass, once this share `at` of the noise (or of the steps) lies behind it."""

    networks: Networks
    at: float
    by_steps: bool = False


@dataclass(frozen=True)
class Pass:
    """From noise, from a given picture, or from the pass before, to a latent.

    `width` and `height` are pixels; the latent has an eighth of them, rounded down.
    """

    name: str
    start: Literal["noise", "picture", "previous"]
    networks: Networks
    prompt: str
    negative_prompt: str
    width: int
    height: int
    steps: int
    sampler: str
    schedule: str
    cfg_scale: float
    clip_skip: int
    sampling: Sampling
    guidance: Guidance
    denoising_strength: float = 1.0
    upscaler: str = ""
    crop: tuple[int, int] = (0, 0)
    """Latent columns and rows cut away after enlarging."""
    exact_steps: bool = True
    """Whether all `steps` are done whatever the strength; else strength shortens them."""
    refiner: Handover | None = None

    @property
    def tail(self) -> tuple[int, int] | None:
        """(steps of the whole schedule, t_enc): over a picture the last t_enc + 1 are walked. None: nothing is to be done.

        A1111's rules: either strength shortens the steps, or the schedule is made so long that its tail has as many as
        were asked for (tests/golden/a1111_img2img_steps.json).
        """
        strength = min(self.denoising_strength, 0.999)
        if not self.exact_steps:
            return self.steps, int(strength * self.steps)
        planned = int(self.steps / strength) if strength > 0 else 0
        return (planned, self.steps - 1) if planned else None

    @property
    def walked(self) -> int:
        """Sampler steps that are really done."""
        if self.start == "noise":
            return self.steps
        return self.tail[1] + 1 if self.tail else 0

    def __str__(self) -> str:
        sources = {"noise": "noise", "picture": "the picture", "previous": self.upscaler}
        strength = "" if self.start == "noise" else f", strength {self.denoising_strength:g}"
        source = sources[self.start] + strength
        return (
            f"{self.name}: {self.width}x{self.height} from {source}, {self.steps} steps {self.sampler} ({self.schedule}), "
            f"CFG {self.cfg_scale:g}, {self.networks.model.name or 'default model'}"
            + (f", {self.refiner.networks.model.name} from {self.refiner.at:g}" if self.refiner else "")
        )


@dataclass(frozen=True)
class Plan:
    """A recipe and its passes in order."""

    recipe: Recipe
    passes: tuple[Pass, ...]

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels of what comes out."""
        last = self.passes[-1]
        return painted_size(last.width - 8 * last.crop[0], last.height - 8 * last.crop[1])

    @property
    def steps(self) -> int:
        """Sampler steps of all passes together, for progress."""
        return sum(one.walked for one in self.passes)

    @property
    def batch_key(self) -> str:
        """Equal for recipes that can be painted together: all but prompts, seeds and embeddings agree."""
        recipe = self.recipe
        hires = recipe.hires.but(prompt="", negative_prompt="") if recipe.hires else None
        return recipe.but(
            prompt="",
            negative_prompt="",
            seed=0,
            variation=recipe.variation.but(seed=0),
            embeddings=(),
            hires=hires,
        ).digest

    def __str__(self) -> str:
        return "\n".join(str(one) for one in self.passes)


def plan(recipe: Recipe) -> Plan:
    """The passes of a recipe: one from noise or from a picture, and one more for hires.

    Raises RecipeError for a sampler, schedule or patch that isn't known.
    """
    sampler, schedule = resolve_sampler(recipe.sampler, recipe.schedule)
    init = recipe.init
    first = Pass(
        name="img2img" if init else "first pass",
        start="picture" if init else "noise",
        networks=Networks(recipe.model, recipe.vae, recipe.loras, recipe.hypernets, network_patches(recipe)),
        prompt=recipe.prompt,
        negative_prompt=recipe.negative_prompt,
        width=recipe.width,
        height=recipe.height,
        steps=recipe.steps,
        sampler=sampler,
        schedule=schedule,
        cfg_scale=recipe.cfg_scale,
        clip_skip=recipe.clip_skip,
        sampling=recipe.sampling,
        guidance=recipe.guidance,
        denoising_strength=init.denoising_strength if init else 1.0,
        exact_steps=init.full_steps if init else True,
    )
    passes = (first, _hires(recipe, first)) if recipe.hires else (first,)
    return Plan(recipe, (*passes[:-1], replace(passes[-1], refiner=_refiner(recipe, passes[-1]))))


def _refiner(recipe: Recipe, last: Pass) -> Handover | None:
    """With hires it is the second pass that is refined (A1111's own choice too)."""
    refiner = recipe.refiner
    if refiner is None or not refiner.model or refiner.switch_at >= 1 or refiner.model == last.networks.model:
        return None
    return Handover(replace(last.networks, model=refiner.model), refiner.switch_at, refiner.by_steps)


def _hires(recipe: Recipe, first: Pass) -> Pass:
    hires = recipe.hires
    assert hires is not None
    sampler, schedule = first.sampler, first.schedule
    if hires.sampler or hires.schedule:
        sampler, schedule = resolve_sampler(hires.sampler or recipe.sampler, hires.schedule or recipe.schedule)
    width, height = hires_size(recipe.width, recipe.height, hires.upscale, hires.width, hires.height)
    networks = replace(
        first.networks,
        model=hires.model or recipe.model,
        loras=hires.loras or recipe.loras,
        hypernets=hires.hypernets or recipe.hypernets,
        patches=network_patches(recipe, hires=True),
    )
    return replace(
        first,
        name="hires pass",
        start="previous",
        networks=networks,
        prompt=hires.prompt or recipe.prompt,
        negative_prompt=hires.negative_prompt or recipe.negative_prompt,
        width=width,
        height=height,
        steps=hires.steps or recipe.steps,
        sampler=sampler,
        schedule=schedule,
        cfg_scale=hires.cfg_scale or recipe.cfg_scale,
        denoising_strength=hires.denoising_strength,
        exact_steps=True,
        upscaler=hires.upscaler,
        crop=hires_crop((width, height), hires.width, hires.height),
    )
