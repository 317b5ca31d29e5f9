"""LMS: Adams-Bashforth with uneven steps, one call a step, of up to fourth order."""

from torch import Tensor

from danqing.diffusion.moment import Denoiser, Moment
from danqing.diffusion.samplers.contract import SamplerOptions, StepNoise, slope

# Gauss-Legendre with three points: exact for polynomials up to degree 5, hence for every order up to 6.
_GAUSS = ((-(0.6**0.5), 5 / 9), (0.0, 8 / 9), (0.6**0.5, 5 / 9))


def lms(denoise: Denoiser, x: Tensor, sigmas: Tensor, *, noise: StepNoise, options: SamplerOptions) -> Tensor:
    """Integrates over each step the polynomial in sigma that runs through the last `lms_order` slopes."""
    levels = sigmas.tolist()
    slopes: list[Tensor] = []
    for i in range(len(levels) - 1):
        x0 = denoise(x, Moment(i, i, len(levels) - 1, levels[i], levels[i + 1]))
        slopes = [slope(x, x0, levels[i]), *slopes[: options.lms_order - 1]]
        known = [levels[i - back] for back in range(len(slopes))]
        for back, past in enumerate(slopes):
            x = x + past * _weight(known, back, levels[i], levels[i + 1])
    return x


def _weight(known: list[float], chosen: int, start: float, end: float) -> float:
    """The integral from start to end of the polynomial that is 1 at known[chosen] and 0 at the others."""
    total = 0.0
    for place, share in _GAUSS:
        sigma = (start + end) / 2 + place * (end - start) / 2
        value = 1.0
        for other, level in enumerate(known):
            if other != chosen:
                value *= (sigma - level) / (known[chosen] - level)
        total += share * value
    return total * (end - start) / 2
