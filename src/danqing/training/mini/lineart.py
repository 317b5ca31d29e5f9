"""The data set's pictures as line art, row by row beside them: what a ControlNet for lines is taught on."""

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from danqing.training.mini.dataset import read_split

log = logging.getLogger(__name__)

SPLITS_WITH_LINES = ("validation", "unseen", "train")
"""The judge needs none: it looks at pictures only."""

_INNER, _OUTER = 0.7, 1.6
"""Standard deviations of the two Gaussians whose difference finds the dark side of an edge, in pixels."""
_FAINTEST, _SURE = 6.0, 20.0
"""Differences of grey levels from which a line begins to show, and from which it is black."""


def build_lines(work: Path, names: Sequence[str] = SPLITS_WITH_LINES) -> list[Path]:
    """One file a split, (N, 128, 128) uint8, white with dark lines; one that stands there already is left as it is."""
    files = []
    for name in names:
        path = work / "data" / f"{name}_lines.npy"
        if not path.exists():
            pictures = read_split(work, name).pictures
            part = path.with_suffix(".part.npy")
            lines = np.lib.format.open_memmap(part, "w+", np.uint8, pictures.shape[:3])
            for row, picture in enumerate(pictures):
                lines[row] = line_art(picture)
            lines.flush()
            part.replace(path)
            log.info("%s: %d pictures as line art", name, len(lines))
        files.append(path)
    return files


def read_lines(work: Path, name: str) -> NDArray[np.uint8]:
    """What `build_lines` made of a split, mapped from disk; its rows are the split's."""
    return np.load(work / "data" / f"{name}_lines.npy", mmap_mode="r")


def line_art(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A picture as dark lines on white: drawn lines stay, and where two colours meet the darker side gets one.
    (H, W, 3) to (H, W). Winnemöller et al. 2012, "XDoG", without its tones."""
    image = Image.fromarray(picture)
    near, far = (np.asarray(image.filter(ImageFilter.GaussianBlur(width)), np.float32) for width in (_INNER, _OUTER))
    darker = (far - near).max(2)
    strength = np.clip((darker - _FAINTEST) / (_SURE - _FAINTEST), 0, 1)
    return np.rint(255 * (1 - strength)).astype(np.uint8)
