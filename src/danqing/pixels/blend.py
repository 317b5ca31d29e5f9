"""A painted part laid into its original, so that what isn't masked comes back byte for byte."""

import numpy as np

from danqing.base.errors import ImageError
from danqing.base.picture import Pixels
from danqing.pixels.crop import uncropped
from danqing.pixels.mask import Box, Mask


def overlaid(painted: Pixels, original: Pixels, mask: Mask) -> Pixels:
    """The painted picture with the original over it wherever the mask isn't white. Both (H, W, C), mask (H, W).

    Black in the mask is the original byte for byte, white is the painted picture, grey a mixture. Raises ImageError
    where the sizes differ.
    """
    if painted.shape != original.shape or mask.shape != painted.shape[:2]:
        raise ImageError(
            f"a picture {_shape(painted)}, its original {_shape(original)} and a mask {_shape(mask)} don't lie over each "
            "other; bring them to one size first"
        )
    share = mask[..., None].astype(np.uint32)
    return ((painted * share + original * (255 - share) + 127) // 255).astype(np.uint8)


def paste(original: Pixels, painted: Pixels, box: Box, mask: Mask) -> Pixels:
    """The original with a painted box ("only masked") put back through the mask of the whole picture. (H, W, 3).

    painted may have any size; it is brought to the box. Outside of the box nothing changes, whatever the mask says.
    """
    height, width = original.shape[:2]
    whole = uncropped(painted, box, width, height)
    return overlaid(whole[..., :3], original, np.where(whole[..., 3] > 0, mask, 0).astype(np.uint8))


def _shape(array: Pixels) -> str:
    return "x".join(str(side) for side in (array.shape[1], array.shape[0], *array.shape[2:]))
