"""DPM fast and DPM adaptive where the golden file is silent: with noise, and with steps of their own choosing.

The numbers are those of k-diffusion 0.1.1.post1 in float64, run on the formulas that golden/samplers.json describes,
from 10 to 0.1.
"""

from typing import Any

import pytest
import torch
from torch import Tensor

from danqing.diffusion.moment import Moment
from danqing.diffusion.samplers import SAMPLERS, SamplerOptions
from tests.diffusion import mixture

PLACE = torch.arange(12, dtype=torch.float64).view(1, 12)
FAST = {
    (10, 1.0, 1.0): "0.578212 0.379760 -0.651281 -0.535289 0.500300 0.698295 0.463471 0.559662 0.459775 -0.600782",
    (12, 0.5, 1.1): "0.704141 0.822290 -0.837058 -0.921241 0.752570 0.814035 -0.698951 -0.549666 0.842409 -0.501634",
}
# (eta, rtol, atol, steps taken, calls): k-diffusion makes three calls a try; a try after a refused one needs but two.
ADAPTIVE = {
    (0.0, 0.05, 0.0078, 7, 25): "0.555475 0.927382 -0.725757 -0.862714 0.840343 0.759828 -0.913949 -0.605316 0.954911",
    (1.0, 0.05, 0.0078, 11, 41): "0.563231 0.601720 -0.626468 -0.686922 0.510933 0.594248 -0.349429 -0.295442 0.611818",
    (0.0, 0.005, 0.001, 11, 39): "0.568267 0.909745 -0.722307 -0.847209 0.826194 0.752690 -0.896524 -0.614922 0.937227",
}


def run(name: str, levels: list[float], options: SamplerOptions) -> tuple[Tensor, list[Moment], int]:
    """(x (12,), moments, draws)."""
    moments: list[Moment] = []
    draws: list[float] = []

    def denoise(x: Tensor, moment: Moment) -> Tensor:
        moments.append(moment)
        return mixture.denoised(x, moment.sigma)

    def noise(sigma: float, sigma_next: float) -> Tensor:
        draws.append(sigma)
        return torch.cos(0.9 * PLACE + 2.1 * (len(draws) - 1) + 0.5)

    x = 10 * torch.sin(1.7 * PLACE + 0.3)
    sigmas = torch.tensor(levels, dtype=torch.float64)
    x = SAMPLERS.find(name).function(denoise, x, sigmas, noise=noise, options=options)
    return x[0], moments, len(draws)


def numbers(text: str) -> Tensor:
    """As many as were kept."""
    return torch.tensor([float(number) for number in text.split()], dtype=torch.float64)


@pytest.mark.parametrize(("case", "expected"), FAST.items(), ids=str)
def test_dpm_fast_with_noise_gives_the_numbers_of_k_diffusion(case: Any, expected: str) -> None:
    calls, eta, factor = case
    levels = [10.0, *[1.0] * (calls - 1), 0.1]  # only the ends and the count matter
    x, moments, _ = run("DPM fast", levels, SamplerOptions(eta=eta, noise=factor))
    torch.testing.assert_close(x[:10], numbers(expected), rtol=0, atol=2e-6)
    assert len(moments) == calls


@pytest.mark.parametrize(("case", "expected"), ADAPTIVE.items(), ids=str)
def test_dpm_adaptive_gives_the_numbers_of_k_diffusion(case: Any, expected: str) -> None:
    eta, rtol, atol, steps, calls = case
    options = SamplerOptions(eta=eta, adaptive_rtol=rtol, adaptive_atol=atol)
    x, moments, draws = run("DPM adaptive", [10.0, 0.1, 0.0], options)
    torch.testing.assert_close(x[:9], numbers(expected), rtol=0, atol=2e-6)
    assert (draws, len(moments)) == (steps, calls)


def test_dpm_solvers_end_at_the_lowest_level_above_0() -> None:
    for name in ("DPM fast", "DPM adaptive"):
        _, moments, _ = run(name, [10.0, 3.0, 1.0, 0.1, 0.0], SamplerOptions())
        assert moments[-1].sigma_next == pytest.approx(0.1)
        assert all(moment.sigma >= 0.1 for moment in moments)
