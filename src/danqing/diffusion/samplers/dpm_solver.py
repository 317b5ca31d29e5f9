"""DPM-Solver with steps of first to third order: "fast" with a given number of calls, "adaptive" to a given error.

Lu et al. 2022, arXiv:2206.00927. Both need only the highest and the lowest level above 0 of their schedule, and end at
the lowest. Their time is lambda = -log(sigma).
"""

import math
from itertools import pairwise

from torch import Tensor

from danqing.diffusion.moment import Denoiser, Moment
from danqing.diffusion.samplers.contract import SamplerOptions, StepNoise, ancestral_step, slope

_FIRST_LENGTH = 0.05
# Taken whatever its error, or an x0 that jumps would shrink the steps for ever. Real pictures stay far above it.
_SHORTEST = 0.005
_ACCEPTED = 0.81


class _Solver:
    """One step at a time, counting its calls."""

    def __init__(self, denoise: Denoiser) -> None:
        self.denoise = denoise
        self.calls = 0

    def slope(self, x: Tensor, sigma: float, within: Moment) -> Tensor:
        x0 = self.denoise(x, Moment(self.calls, within.step, within.steps, sigma, within.sigma_next))
        self.calls += 1
        return slope(x, x0, sigma)

    def second(self, x: Tensor, eps: Tensor, ahead: Tensor, r: float, sigmas: tuple[float, float]) -> Tensor:
        """The step of second order (algorithm 1) from the slope at its start and at r of its length."""
        weight = sigmas[1] * math.expm1(math.log(sigmas[0] / sigmas[1]))
        return x - eps * weight - (ahead - eps) * (weight / (2 * r))

    def third(self, x: Tensor, eps: Tensor, ahead: Tensor, within: Moment, goal: float) -> Tensor:
        """The step of third order (algorithm 2, r1 = 1/3, r2 = 2/3); `ahead` is the slope at a third. One call."""
        h = math.log(within.sigma / goal)
        part = 2 / 3 * h
        level = within.sigma * math.exp(-part)
        bend = (ahead - eps) * (level * 2 * (math.expm1(part) / part - 1))
        further = self.slope(x - eps * (level * math.expm1(part)) - bend, level, within)
        bend = (further - eps) * (goal * 1.5 * (math.expm1(h) / h - 1))
        return x - eps * (goal * math.expm1(h)) - bend

    def ahead(self, x: Tensor, eps: Tensor, r: float, within: Moment, goal: float) -> Tensor:
        """The slope at r of the step's length, reached in first order. One call."""
        part = r * math.log(within.sigma / goal)
        level = within.sigma * math.exp(-part)
        return self.slope(x - eps * (level * math.expm1(part)), level, within)


def dpm_fast(denoise: Denoiser, x: Tensor, sigmas: Tensor, *, noise: StepNoise, options: SamplerOptions) -> Tensor:
    """As many calls as the schedule has steps: steps of third order, even in lambda, and a lower one at the end."""
    highest, lowest = _ends(sigmas)
    calls = sigmas.shape[0] - 1
    if calls == 0:
        return x
    rounds = calls // 3 + 1
    orders = [3] * (rounds - 2) + [2, 1] if calls % 3 == 0 else [3] * (rounds - 1) + [calls % 3]
    levels = [highest * (lowest / highest) ** (i / rounds) for i in range(rounds)] + [lowest]
    solver = _Solver(denoise)
    for i, ((sigma, sigma_next), order) in enumerate(zip(pairwise(levels), orders, strict=True)):
        within = Moment(solver.calls, i, rounds, sigma, sigma_next)
        goal, up = _noisy_goal(sigma, sigma_next, lowest, options.eta)
        eps = solver.slope(x, sigma, within)
        if order == 1:
            x = x + eps * (goal - sigma)
        elif order == 2:
            x = solver.second(x, eps, solver.ahead(x, eps, 1 / 2, within, goal), 1 / 2, (sigma, goal))
        else:
            x = solver.third(x, eps, solver.ahead(x, eps, 1 / 3, within, goal), within, goal)
        x = x + noise(sigma, sigma_next) * (options.noise * up)
    return x


def dpm_adaptive(denoise: Denoiser, x: Tensor, sigmas: Tensor, *, noise: StepNoise, options: SamplerOptions) -> Tensor:
    """Steps of third order, each as long as its difference to the second order allows. Appendix C of the paper.

    In a batch the picture with the largest error decides, so that batches change pictures: `one_at_a_time`.
    """
    sigma, lowest = _ends(sigmas)
    solver = _Solver(denoise)
    length, step, eps, lower = _FIRST_LENGTH, 0, None, x
    while math.log(sigma / lowest) > 1e-5:
        sigma_next = max(sigma * math.exp(-length), lowest)
        within = Moment(solver.calls, step, None, sigma, sigma_next)
        goal, up = _noisy_goal(sigma, sigma_next, lowest, options.eta)
        eps = solver.slope(x, sigma, within) if eps is None else eps
        ahead = solver.ahead(x, eps, 1 / 3, within, goal)
        low = solver.second(x, eps, ahead, 1 / 3, (sigma, goal))
        high = solver.third(x, eps, ahead, within, goal)
        error = _error(low, high, lower, options)
        if not math.isfinite(error):
            return high  # whoever looks at the picture sees that it is broken; no step is short enough for it
        # The order of the method is 3; with noise its convergence is that of the noise.
        factor = 1 + math.atan((1 / (error + 1e-8)) ** (1 / (1.5 if options.eta else 3)) - 1)
        if factor >= _ACCEPTED or length <= _SHORTEST:
            x = high + noise(sigma, sigma_next) * (options.noise * up)
            sigma, step, eps, lower = sigma_next, step + 1, None, low
        length = max(length * factor, _SHORTEST)
    return x


def _error(low: Tensor, high: Tensor, before: Tensor, options: SamplerOptions) -> float:
    """The largest over the batch of the mean error of a picture, in units of what is allowed."""
    size = low.abs().maximum(before.abs()) * options.adaptive_rtol
    return float(((low - high) / size.clamp(min=options.adaptive_atol)).flatten(1).square().mean(1).sqrt().max())


def _noisy_goal(sigma: float, sigma_next: float, lowest: float, eta: float) -> tuple[float, float]:
    """(level to solve to, noise to add there): an ancestral step that never goes below the lowest level."""
    if eta == 0:
        return sigma_next, 0.0
    down = max(ancestral_step(sigma, sigma_next, eta)[0], lowest)
    return down, math.sqrt(max(sigma_next**2 - down**2, 0.0))


def _ends(sigmas: Tensor) -> tuple[float, float]:
    above = [level for level in sigmas.tolist() if level > 0]
    return above[0], above[-1]
