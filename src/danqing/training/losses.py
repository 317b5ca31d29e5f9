"""What training makes small: picture reconstruction, the KL of latents, contrast of texts and pictures, noise
prediction with weights."""

import torch
import torch.nn.functional as F
from torch import Tensor

from danqing.diffusion.prediction import Prediction


def edges(x: Tensor) -> tuple[Tensor, Tensor]:
    """Differences of neighbours, across and down. x (B, C, H, W)."""
    return x[..., 1:] - x[..., :-1], x[..., 1:, :] - x[..., :-1, :]


def picture_loss(made: Tensor, wanted: Tensor, edge: float = 0.5, coarse: float = 0.5) -> Tensor:
    """Mean absolute error of pixels, plus that of edges and of 4x4 means. Pictures (B, 3, H, W) in [-1, 1]."""
    pixels = (made - wanted).abs().mean()
    sharp = sum(((a - b).abs().mean() for a, b in zip(edges(made), edges(wanted), strict=True)), start=pixels * 0)
    blurred = (F.avg_pool2d(made, 4) - F.avg_pool2d(wanted, 4)).abs().mean()
    return pixels + edge * sharp + coarse * blurred


def frequency_loss(made: Tensor, wanted: Tensor) -> Tensor:
    """Mean distance of the Fourier coefficients: an edge that is a little soft costs here what pixels hardly show. Jiang
    et al. 2021, arXiv:2012.12821, without their weights."""
    one, other = (torch.fft.rfft2(x, norm="ortho") for x in (made, wanted))
    return (one - other).abs().mean()


def kl_to_normal(mean: Tensor, log_variance: Tensor) -> Tensor:
    """KL divergence from the unit normal, averaged over every number. Kingma and Welling 2014, arXiv:1312.6114,
    appendix B."""
    return 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).mean()


def contrastive_loss(texts: Tensor, pictures: Tensor, scale: Tensor) -> Tensor:
    """Each text must find its picture and the other way round. (B, D) unit vectors each. Radford et al. 2021,
    arXiv:2103.00020, figure 3."""
    logits = scale * texts @ pictures.T
    same = torch.arange(len(texts), device=texts.device)
    return (F.cross_entropy(logits, same) + F.cross_entropy(logits.T, same)) / 2


def capped_snr_weight(prediction: Prediction, sigma: Tensor, gamma: float) -> Tensor:
    """Weights (B,) that keep nearly clean steps from ruling: min-SNR, Hang et al. 2023, arXiv:2303.09556.

    For velocity min(snr + 1, gamma) / (snr + 1): the paper's form would give pure noise no weight at all, and there
    the text decides the composition.
    """
    snr = sigma.double() ** -2
    if prediction.form.name == "velocity":
        weight = (snr + 1).clamp(max=gamma) / (snr + 1)
    elif prediction.form.name == "sample":
        weight = snr.clamp(max=gamma)
    else:
        weight = snr.clamp(max=gamma) / snr
    return weight.float()


def noise_loss(
    prediction: Prediction, output: Tensor, x0: Tensor, noise: Tensor, sigma: Tensor, gamma: float | None
) -> Tensor:
    """The prediction's own loss, weighted where a `gamma` is given. A number."""
    each = prediction.loss(output, x0, noise, sigma)
    if gamma is None:
        return each.mean()
    return (each * capped_snr_weight(prediction, sigma, gamma).to(each)).mean()


def psnr(made: Tensor, wanted: Tensor) -> Tensor:
    """Peak signal-to-noise ratio in dB of each picture in [-1, 1]. (B,)."""
    return -10 * torch.log10(((made.clamp(-1, 1) - wanted) ** 2).flatten(1).mean(1).clamp_min(1e-10) / 4)
