"""One pass of a batch, as plain functions: text, noise, levels, sampler. From noise, or from the latents of the pass before."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from torch import Tensor

from danqing.base.errors import RecipeError
from danqing.base.parts import Sampling
from danqing.base.recipe import Recipe
from danqing.base.size import latent_size
from danqing.diffusion.guidance import Guidance, Predict, Predictions, guided
from danqing.diffusion.masking import blended
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
from danqing.painting.canvas import Canvas
from danqing.painting.conditioning import OpenEmbedding, PictureText, read_texts
from danqing.painting.guided import guidance_of, predictions
from danqing.painting.noises import first_noise, step_noise
from danqing.painting.plan import Handover, Networks, Pass, Plan
from danqing.painting.predictor import Predictor
from danqing.painting.repaint import Kept, masked, sight_of
from danqing.painting.watching import Report, with_watch
from danqing.weights.model import DiffusionModel


@dataclass(frozen=True, eq=False)
class Hand:
    """One model at work in a pass, with the texts read for it."""

    model: DiffusionModel
    texts: Sequence[PictureText]
    prediction: Prediction
    sight: Tensor | None = None
    """(B, k, h, w): what a network with more input than x is shown."""

    def predictor(self, recipe: Recipe, time_grid: int | None) -> Predictor:
        return Predictor(self.model, self.prediction, time_grid, recipe.speed.step_cache, recipe.tiled, self.sight)


@dataclass(frozen=True, eq=False)
class Run:
    """Everything one sampler run needs but its starting x. `successor` opens the hand that takes over within the run."""

    hand: Hand
    one: Pass
    recipes: Sequence[Recipe]
    sampler: Sampler
    report: Report
    successor: Callable[[], Hand] | None = None

    @property
    def model(self) -> DiffusionModel:
        return self.hand.model

    @property
    def prediction(self) -> Prediction:
        return self.hand.prediction


@dataclass(frozen=True)
class Opener:
    """Opens what a pass needs beside its own model: textual inversions, and the checkpoint that takes over within it."""

    embedding: OpenEmbedding
    model: Callable[[Networks], DiffusionModel] | None = None


def prepare(
    model: DiffusionModel,
    plans: Sequence[Plan],
    number: int,
    report: Report,
    opener: Opener,
    canvas: Canvas | None = None,
) -> Run:
    """Pass `number` of a batch, its prompts read; `canvas` is what it paints over, if anything."""
    one = plans[0].passes[number]
    recipes = [plan.recipe for plan in plans]
    sampler = SAMPLERS.find(one.sampler)

    def hand_of(model: DiffusionModel) -> Hand:
        texts = read_texts(model, plans, number, sampler, opener.embedding)
        sight = sight_of(model, canvas, (one.width, one.height), recipes[0].inpaint)
        sights = sight.expand(len(plans), -1, -1, -1) if sight is not None else None
        return Hand(model, texts, _prediction(model, recipes[0]), sights)

    successor = None
    if one.refiner is not None and opener.model is not None:
        successor = partial(_successor, opener.model, one.refiner.networks, model, hand_of)
    return Run(hand_of(model), one, recipes, sampler, report, successor)


def _successor(
    open_model: Callable[[Networks], DiffusionModel],
    networks: Networks,
    before: DiffusionModel,
    hand_of: Callable[[DiffusionModel], Hand],
) -> Hand:
    """The hand that takes over from a model in the midst of its latents. Raises RecipeError where theirs are others."""
    model = open_model(networks)
    if model.latent != before.latent:
        raise RecipeError(f"{model.name} can't take over from {before.name} within a pass: their latents differ")
    return hand_of(model)


def paint_from_noise(run: Run) -> Tensor:
    """Latents (B, C, h, w) float32 out of nothing. Raises Stopped when the report says so."""
    width, height = latent_size(run.one.width, run.one.height, run.model.latent.factor)
    noise, generators = first_noise(run.recipes, (run.model.latent.channels, height, width))
    sigmas = _levels(run, run.one.steps)
    x = start_from_noise(run.sampler, noise.to(run.model.device), sigmas, sgm=run.one.sampling.sgm_noise)
    return _sample(run, x, sigmas, step_noise(run.sampler, run.recipes, generators, x, sigmas))


def paint_from_latents(run: Run, latents: Tensor, kept: Kept | None = None) -> Tensor:
    """Latents (B, C, h, w) float32 out of others of that shape, by the pass's denoising strength. Raises Stopped.

    Where the pass does exactly its steps the schedule is made longer so that its tail has as many (A1111's rule for
    hires); else the tail is as long as the strength says. Outside of the mask of `kept` its original comes back.
    """
    if run.one.tail is None:
        return latents
    planned, t_enc = run.one.tail
    noise, generators = first_noise(run.recipes, (latents.shape[1], latents.shape[2], latents.shape[3]))
    noise = noise.to(latents)
    init = run.recipes[0].init
    multiplier, extra = (init.noise_multiplier, init.extra_noise) if init and run.one.start == "picture" else (1.0, 0.0)
    levels = _levels(run, planned)
    if walks_own_timesteps(run.sampler, run.one.schedule):
        x, sigmas = start_own_from_latent(
            run.sampler, latents, noise * multiplier, run.prediction.table, planned, t_enc
        )
    else:
        x, sigmas = start_from_latent(latents, noise * multiplier, levels, planned, t_enc)
    x = x + noise * (multiplier * extra)
    return _sample(run, x, sigmas, step_noise(run.sampler, run.recipes, generators, x, levels), kept)


def _sample(run: Run, x: Tensor, sigmas: Tensor, noise: StepNoise, kept: Kept | None = None) -> Tensor:
    calls = run.one.walked * run.sampler.calls_per_step
    guidance = guidance_of(run.one.guidance, run.one.cfg_scale * run.sampler.cfg_factor, sigmas)
    denoise, without_prompt = guided(_predict(run, guidance, calls), guidance, calls)
    if kept is not None:
        denoise = masked(denoise, kept, run.sampler)
    options = replace(_options(run.one.sampling), uncond=without_prompt if run.sampler.needs_uncond else None)
    latents = run.sampler.function(with_watch(denoise, run.report), x, sigmas, noise=noise, options=options)
    latents = finish(run.sampler, latents, sigmas)
    return latents if kept is None or kept.soft else blended(latents, kept.original, kept.mask)


def _predict(run: Run, guidance: Guidance, calls: int) -> Predict:
    """The run's predictions; from the handover on they are the successor's."""
    hand = run.hand
    predictor = hand.predictor(run.recipes[0], run.sampler.time_grid)
    handover = run.one.refiner if run.successor else None
    with_blind = hand.sight is not None and hand.model.family.edits and guidance.image_scale != 1
    # CFG 1 is the prompt alone, and half the work; but weights of parts pull away from the negative prompt.
    weighted = any(len(text.parts) > 1 or text.parts[0].weight != 1 for text in hand.texts)
    wants_negative = guidance.cfg_scale != 1 or run.sampler.needs_uncond or weighted or with_blind

    def predict(x: Tensor, moment: Moment, with_negative: bool) -> Predictions:
        nonlocal hand, predictor, handover
        if handover and run.successor and _behind(moment, handover, hand.prediction, calls) > handover.at:
            hand, handover = run.successor(), None
            predictor = hand.predictor(run.recipes[0], run.sampler.time_grid)
        negative = with_negative and wants_negative
        return predictions(predictor, hand.texts, x, moment, negative, with_blind)

    return predict


def _behind(moment: Moment, handover: Handover, prediction: Prediction, calls: int) -> float:
    """The share of a run that lies behind: of its calls, or of the model's timesteps by the noise that is left."""
    if handover.by_steps:
        return moment.call / calls
    last = len(prediction.table) - 1
    return (last - float(prediction.table.t_of(moment.sigma, 1))) / (last + 1)


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
