"""One pass of a batch, as plain functions: text, noise, levels, sampler. From noise, or from the latents of the pass before."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from torch import Tensor

from danqing.base.parts import Sampling
from danqing.base.recipe import Recipe
from danqing.base.size import latent_size
from danqing.diffusion.guidance import Predictions, guided
from danqing.diffusion.moment import Moment
from danqing.diffusion.prediction import Prediction, prediction_of, zero_terminal_snr
from danqing.diffusion.samplers import SAMPLERS, Sampler, SamplerOptions, StepNoise, sigmas_for
from danqing.diffusion.schedules import ScheduleOptions
from danqing.diffusion.start import (
    finish,
    start_from_latent,
    start_from_noise,
    start_own_from_latent,
    walks_own_timesteps,
)
from danqing.painting.conditioning import OpenEmbedding, PictureText, read_texts
from danqing.painting.guided import guidance_of, predictions
from danqing.painting.noises import first_noise, step_noise
from danqing.painting.plan import Pass, Plan
from danqing.painting.predictor import Predictor
from danqing.painting.watching import Report, with_watch
from danqing.weights.model import DiffusionModel


@dataclass(frozen=True, eq=False)
class Run:
    """Everything one sampler run needs but its starting x."""

    model: DiffusionModel
    one: Pass
    recipes: Sequence[Recipe]
    texts: Sequence[PictureText]
    sampler: Sampler
    prediction: Prediction
    report: Report


def prepare(
    model: DiffusionModel, plans: Sequence[Plan], number: int, report: Report, open_embedding: OpenEmbedding
) -> Run:
    """Pass `number` of a batch, its prompts read."""
    passes = [plan.passes[number] for plan in plans]
    recipes = [plan.recipe for plan in plans]
    sampler = SAMPLERS.find(passes[0].sampler)
    texts = read_texts(model, plans, number, sampler, open_embedding)
    return Run(model, passes[0], recipes, texts, sampler, _prediction(model, recipes[0]), report)


def paint_from_noise(run: Run) -> Tensor:
    """Latents (B, C, h, w) float32 out of nothing. Raises Stopped when the report says so."""
    width, height = latent_size(run.one.width, run.one.height, run.model.latent.factor)
    noise, generators = first_noise(run.recipes, (run.model.latent.channels, height, width))
    sigmas = _levels(run, run.one.steps)
    x = start_from_noise(run.sampler, noise.to(run.model.device), sigmas, sgm=run.one.sampling.sgm_noise)
    return _sample(run, x, sigmas, step_noise(run.sampler, run.recipes, generators, x, sigmas))


def paint_from_latents(run: Run, latents: Tensor) -> Tensor:
    """Latents (B, C, h, w) float32 out of others of that shape, by the pass's denoising strength. Raises Stopped.

    The steps asked for are all done: the schedule is made longer so that its tail has as many (A1111's rule for hires).
    """
    strength = min(run.one.denoising_strength, 0.999)
    planned = int(run.one.steps / strength) if strength > 0 else 0
    if planned == 0:
        return latents
    kept = run.one.steps - 1
    noise, generators = first_noise(run.recipes, (latents.shape[1], latents.shape[2], latents.shape[3]))
    noise = noise.to(latents)
    levels = _levels(run, planned)
    if walks_own_timesteps(run.sampler, run.one.schedule):
        x, sigmas = start_own_from_latent(run.sampler, latents, noise, run.prediction.table, planned, kept)
    else:
        x, sigmas = start_from_latent(latents, noise, levels, planned, kept)
    return _sample(run, x, sigmas, step_noise(run.sampler, run.recipes, generators, x, levels))


def _sample(run: Run, x: Tensor, sigmas: Tensor, noise: StepNoise) -> Tensor:
    predictor = Predictor(run.model, run.prediction, run.sampler.time_grid)
    guidance = guidance_of(run.one.guidance, run.one.cfg_scale * run.sampler.cfg_factor, sigmas)
    # CFG 1 is the prompt alone, and half the work; but weights of parts pull away from the negative prompt.
    weighted = any(len(text.parts) > 1 or text.parts[0].weight != 1 for text in run.texts)
    wants_negative = guidance.cfg_scale != 1 or run.sampler.needs_uncond or weighted

    def predict(x: Tensor, moment: Moment, with_negative: bool) -> Predictions:
        return predictions(predictor, run.texts, x, moment, with_negative and wants_negative)

    denoise, without_prompt = guided(predict, guidance, run.one.steps * run.sampler.calls_per_step)
    options = replace(_options(run.one.sampling), uncond=without_prompt if run.sampler.needs_uncond else None)
    latents = run.sampler.function(with_watch(denoise, run.report), x, sigmas, noise=noise, options=options)
    return finish(run.sampler, latents, sigmas)


def _prediction(model: DiffusionModel, recipe: Recipe) -> Prediction:
    name = model.prediction if recipe.prediction == "auto" else recipe.prediction
    alphas = model.alphas_cumprod
    return prediction_of(name, zero_terminal_snr(alphas) if recipe.sampling.zero_terminal_snr else alphas)


def _levels(run: Run, steps: int) -> Tensor:
    knobs = run.one.sampling
    options = ScheduleOptions(
        sigma_min=knobs.sigma_min or None,
        sigma_max=knobs.sigma_max or None,
        rho=knobs.rho or None,
        beta_alpha=knobs.beta_alpha,
        beta_beta=knobs.beta_beta,
        align_for="sdxl" if run.model.family.name.startswith("sdxl") else "sd1",
    )
    discard = knobs.discard_penultimate
    return sigmas_for(run.sampler, steps, run.prediction.table, run.one.schedule, options, discard_penultimate=discard)


def _options(knobs: Sampling) -> SamplerOptions:
    return SamplerOptions(
        eta=knobs.eta,
        eta_ddim=knobs.eta_ddim,
        churn=knobs.churn,
        churn_min=knobs.churn_from,
        churn_max=knobs.churn_to or float("inf"),
        noise=knobs.noise,
        unipc_order=knobs.unipc_order,
        unipc_variant=knobs.unipc_variant,
        unipc_lower_order_final=knobs.unipc_lower_final,
    )
