"""A live upscaler: a network, what it needs of its input, and how it is run. Knows nothing of tiles or files."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from danqing.base.picture import Pixels

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Upscaler:
    """`network` takes (B, 3, H, W) in [0, 1] and gives (B, 3, scale H, scale W), in `dtype` on `device`.

    `reach` is how many pixels to each side decide about one (0: not known); sides of its input must be multiples of `multiple`.
    """

    name: str
    network: Callable[[Tensor], Tensor]
    scale: int
    reach: int = 0
    multiple: int = 1
    device: str = "cpu"
    dtype: torch.dtype = torch.float32

    def enlarged(self, picture: Pixels) -> NDArray[np.float32]:
        """(H, W, 3) uint8 to (scale H, scale W, 3) in [0, 255], not rounded. Where half precision overflows it is computed anew in float32."""
        height, width = picture.shape[:2]
        levels = torch.from_numpy(np.array(picture[:, :, :3])).movedim(-1, 0).unsqueeze(0)
        x = self._padded(levels.to(self.device, torch.float32) / 255)
        with torch.inference_mode():
            made = self.network(x.to(self.dtype, memory_format=torch.channels_last)).float()
        if isinstance(self.network, nn.Module) and not bool(torch.isfinite(made).all()):
            log.warning("%s overflowed in %s; computed again in float32", self.name, self.dtype)
            made = _in_float32(self.network, x, self.dtype)
        made = made[0, :, : height * self.scale, : width * self.scale].clamp(0, 1) * 255
        return np.ascontiguousarray(made.movedim(0, -1).cpu().numpy())

    def _padded(self, x: Tensor) -> Tensor:
        """Mirrored beyond the right and lower edge, up to the next multiple."""
        below, right = -x.shape[2] % self.multiple, -x.shape[3] % self.multiple
        mode = "reflect" if below < x.shape[2] and right < x.shape[3] else "replicate"
        return F.pad(x, (0, right, 0, below), mode=mode) if below or right else x


def _in_float32(network: nn.Module, x: Tensor, dtype: torch.dtype) -> Tensor:
    with torch.inference_mode(mode=False), torch.no_grad():
        network.to(torch.float32)
        made: Tensor = network(x.clone())
        network.to(dtype)
    return made.nan_to_num(0.0)
