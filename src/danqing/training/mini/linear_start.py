"""A first setting of a KL-VAE's weights from which training leaves the mean-colour plateau at once: it starts as an
exact auto-encoder of 8x8 mean colours.

RGB rides on the first three channels through identity taps; residual branches start at zero; in the last stage of each
half, channels 3 to 5 carry the negatives (SiLU(x) - SiLU(-x) = x makes the head linear) and the rest of the first norm
group carries +-CARRIER, so that GroupNorm's scale stays constant. Needs norm_num_groups=2, and widths that rise at
every stage from at least 16 (a stage of equal widths has no shortcut to lay anything on).
"""

from typing import Any

import torch
from diffusers.models.resnet import ResnetBlock2D
from torch import Generator, Tensor, nn

CARRIER = 6.0

_SHORT_PATH = ("sampler", "shortcut", "conv_in", "quant", "encoder.conv_out")
_PICTURE_VARIANCE = 0.4
"""About the mean square of a training picture's values in [-1, 1]."""


@torch.no_grad()
def start_linear(vae: Any, luck: Generator) -> None:
    """Sets the weights in place."""
    _calm(vae, luck)
    channels = tuple(vae.config["block_out_channels"])
    encoder, decoder, latents = vae.encoder, vae.decoder, int(vae.config["latent_channels"])
    for half in (encoder, decoder):
        out = half.mid_block.attentions[0].to_out[0]
        out.weight.zero_()
        out.bias.zero_()
    _identity(encoder.conv_in)
    scale = 1.0
    for i, block in enumerate(encoder.down_blocks):
        scale = _shortcut(block, channels[-1] // 2, i == len(channels) - 1, scale)
        if block.downsamplers:
            _identity(block.downsamplers[0].conv, halves=True)
    encoder.conv_norm_out.weight[:6] = scale
    _linear_head(encoder.conv_out, keep=0.3, clean_rows=True)
    _identity(decoder.conv_in)
    scale = 1.0
    for i, block in enumerate(decoder.up_blocks):
        scale = _shortcut(block, channels[0] // 2, i == len(channels) - 1, scale)
        if block.upsamplers:
            _identity(block.upsamplers[0].conv)
    decoder.conv_norm_out.weight[:6] = scale
    _linear_head(decoder.conv_out, keep=0.1, clean_rows=False)
    _quantizers(vae, latents, luck)


def _calm(vae: Any, luck: Generator) -> None:
    """Variance-preserving short path, silent residual branches."""
    for name, module in vae.named_modules():
        if isinstance(module, nn.Conv2d) and any(part in name for part in _SHORT_PATH):
            fan_in = module.weight[0].numel()
            module.weight.copy_(torch.randn(module.weight.shape, generator=luck) * fan_in**-0.5)
            _silence(module)
        if isinstance(module, ResnetBlock2D):
            module.conv2.weight.zero_()
            _silence(module.conv2)


def _silence(conv: Any) -> None:
    conv.bias.zero_()


def _identity(conv: Any, halves: bool = False) -> None:
    """The first three outputs repeat the first three inputs, or their 2x2 means."""
    weight, eye, middle = conv.weight, torch.eye(3), conv.kernel_size[0] // 2
    weight[:3] = 0
    if halves:
        weight[:3, :3, :2, :2] = eye[:, :, None, None] * 0.25
    else:
        weight[:3, :3, middle, middle] = eye
    conv.bias[:3] = 0


def _shortcut(block: Any, group: int, last: bool, scale: float) -> float:
    """Lays the short path of a stage; in the last one also negatives and carriers. What the final norm divides by."""
    conv = block.resnets[0].conv_shortcut
    if conv is None:
        return scale
    _identity(conv)
    if not last:
        return scale
    conv.weight[3:6] = -conv.weight[:3]
    conv.bias[3:6] = 0
    conv.weight[6:group] = 0
    conv.bias[6:group] = CARRIER * (torch.arange(group - 6) % 2 * 2 - 1).float()
    return ((group - 6) * CARRIER**2 / group + _PICTURE_VARIANCE * 6 / group) ** 0.5


def _linear_head(conv: Any, keep: float, clean_rows: bool) -> None:
    """Output k = input k minus input k + 3, the rest quiet."""
    weight: Tensor = conv.weight
    if clean_rows:
        weight[:3] = 0
        weight[3:] *= keep
    else:
        weight *= keep
        weight[:, :6] = 0
    conv.bias.zero_()
    for k in range(3):
        weight[k, k, 1, 1] = 1
        weight[k, k + 3, 1, 1] = -1


def _quantizers(vae: Any, latents: int, luck: Generator) -> None:
    """Means pass through, log variances start near -5."""
    for conv in (vae.quant_conv, vae.post_quant_conv):
        conv.weight.zero_()
        conv.bias.zero_()
        for k in range(latents):
            conv.weight[k, k] = 1
    weight = vae.quant_conv.weight
    weight[latents:] = torch.randn(weight[latents:].shape, generator=luck) * 0.02
    vae.quant_conv.bias[latents:] = -5
