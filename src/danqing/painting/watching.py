"""How a watch's verdict reaches into a sampler: a denoiser wrapper that raises. Samplers themselves know nothing of it."""

from collections.abc import Callable

from torch import Tensor

from danqing.base.progress import Verdict
from danqing.diffusion.moment import Denoiser, Moment


class Stopped(Exception):  # noqa: N818 - no error: the user's wish
    """Sampling ended before its last step; `x0` (B, C, h, w) is what could be seen by then."""

    def __init__(self, verdict: Verdict, x0: Tensor) -> None:
        super().__init__(verdict.value)
        self.verdict = verdict
        self.x0 = x0


Report = Callable[[Moment, Tensor], Verdict]
"""Given the moment and the denoised latent (B, C, h, w)."""


def with_watch(inner: Denoiser, report: Report) -> Denoiser:
    """Reports after every call and raises Stopped at any verdict but CONTINUE."""

    def denoise(x: Tensor, moment: Moment) -> Tensor:
        x0 = inner(x, moment)
        verdict = report(moment, x0)
        if verdict is not Verdict.CONTINUE:
            raise Stopped(verdict, x0)
        return x0

    return denoise
