"""FreeU, which diffusers' UNet has built in: laid over a model, and taken off again."""

from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel

from danqing.weights.model import DiffusionModel
from danqing.weights.patches.patch import Removable
from danqing.weights.patches.settings import FreeU


def install_freeu(settings: FreeU, model: DiffusionModel) -> list[Removable]:
    """Switches it on in the UNet."""
    model.unet.enable_freeu(settings.s1, settings.s2, settings.b1, settings.b2)
    return [_Enabled(model.unet)]


class _Enabled:
    def __init__(self, unet: UNet2DConditionModel) -> None:
        self._unet = unet

    def remove(self) -> None:
        """The UNet without it."""
        self._unet.disable_freeu()
