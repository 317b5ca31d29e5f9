"""The model families that danqing knows, one small file each, as pure data: needs no torch. Order doesn't matter; no two match the same network."""

from danqing.weights.families.family import Family, LatentFormat, TextTower
from danqing.weights.families.mini import MINI
from danqing.weights.families.refiner import REFINER
from danqing.weights.families.sd1 import SD1, SD1_INPAINT, SD1_PIX2PIX
from danqing.weights.families.sd2 import SD2, SD2_INPAINT
from danqing.weights.families.sdxl import SDXL, SDXL_INPAINT

Families = tuple[Family, ...]

FAMILIES: Families = (MINI, SD1, SD1_INPAINT, SD1_PIX2PIX, SD2, SD2_INPAINT, SDXL, SDXL_INPAINT, REFINER)

__all__ = ["FAMILIES", "Families", "Family", "LatentFormat", "TextTower"]
