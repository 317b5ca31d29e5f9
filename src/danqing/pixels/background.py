"""Subjects cut out of plain backgrounds, one colour or a soft gradient, with real alpha. Classical: no network, nothing to load."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from danqing.base.picture import Pixels
from danqing.pixels.mask import Mask, grown

Levels = NDArray[np.float32]

FAR = 12.0
"""How far, in LAB, a border pixel may lie from the background that is being fitted; about five just noticeable steps."""
PLAIN = 0.6
"""From this share of the border on, the fitted background is believed; below it GrabCut looks for the subject."""

SMALLEST = 16
"""Below so many pixels GrabCut has nothing to learn its colours from."""


@dataclass(frozen=True)
class Cutout:
    """The subject, (H, W, 4), and how plain the background was: the share of the border that one soft gradient explains."""

    pixels: Pixels
    plainness: float


def cut_out(pixels: Pixels, *, tolerance: float = 1.0, holes: bool = False) -> Cutout:
    """The subject without its background. pixels (H, W, 3); the result has hidden colours of 0.

    The background is a gradient fitted to the border; what is connected to the border and looks like it goes. Above 1,
    `tolerance` takes more away. With `holes` patches of its colour inside the subject go too, which may be eyes. A
    background that isn't plain is parted from the subject by GrabCut, which is a guess.
    """
    lab = _lab(pixels)
    ground, plainness = _fitted_ground(lab)
    far = np.linalg.norm(lab - ground, axis=2).astype(np.float32)
    if plainness >= PLAIN or min(far.shape) < SMALLEST:
        outside = _outside(far, tolerance, holes)
        behind = np.asarray(cv2.cvtColor(ground, cv2.COLOR_LAB2RGB), np.float32) * 255
    else:
        outside = _outside_by_grabcut(pixels, far)
        behind = _spread(pixels.astype(np.float32), outside)
    inside = _without_specks(~outside)
    return Cutout(_matted(pixels, inside, behind), plainness)


def cut_out_by(pixels: Pixels, mask: Mask) -> Pixels:
    """The subject that a rough mask shows, with a clean soft edge. pixels (H, W, 3), mask (H, W), white is the subject."""
    inside = mask > 127
    if not inside.any():
        return np.zeros((*pixels.shape[:2], 4), np.uint8)
    width = _edge_width(pixels)
    surely_outside = grown(mask, width) <= 127
    behind = _spread(pixels.astype(np.float32), surely_outside)
    return _matted(pixels, inside, behind)


def _lab(pixels: Pixels) -> Levels:
    return np.asarray(cv2.cvtColor(pixels.astype(np.float32) / 255, cv2.COLOR_RGB2LAB), np.float32)


def _fitted_ground(lab: Levels) -> tuple[Levels, float]:
    """(the background everywhere as a quadratic surface in LAB, the share of the border that it explains).

    A fit begins with one of the border's commonest colours and takes in what its next guess reaches, so that a gradient
    is followed from where it begins; the one that explains most wins over a subject that touches the border.
    """
    height, width = lab.shape[:2]
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
    terms = np.stack([np.ones_like(x), x, y, x * y, x * x, y * y], -1)
    ring = np.ones((height, width), bool)
    thick = max(2, min(height, width) // 48)
    ring[thick:-thick, thick:-thick] = False
    every = max(1, int(ring.sum()) // 16384)  # a few thousand say as much as all of a large border
    colors, places = lab[ring][::every], terms[ring][::every]
    fits = [_surface(places, colors, seed) for seed in _commonest(colors)]
    weights, plainness = max(fits, key=lambda fit: fit[1])
    return (terms @ weights).astype(np.float32), plainness


def _surface(places: Levels, colors: Levels, seed: Levels) -> tuple[Levels, float]:
    """(weights (6, 3) of a surface through the colours that it reaches from one of them, which share that is)."""
    distance = np.linalg.norm(colors - seed, axis=1)
    near = distance <= max(FAR, float(distance.min()))
    weights = np.zeros((places.shape[1], 3), np.float32)
    for degree in (1, 3, 3, 3, 6, 6, 6):
        weights[:] = 0
        # A little ridge keeps terms near zero that the pixels at hand say nothing about.
        known = places[near, :degree]
        ridge = np.eye(degree, dtype=np.float32) * 1e-3 * max(1, len(known))
        ridge[0, 0] = 0
        weights[:degree] = np.linalg.solve(known.T @ known + ridge, known.T @ colors[near])
        found = np.linalg.norm(colors - places @ weights, axis=1) < FAR
        if not found.any():
            break
        near = found
    return weights, float(near.mean())


def _commonest(colors: Levels) -> list[Levels]:
    """The middles of the eight fullest cells of a coarse grid of colours: a gradient has many that are far from full."""
    _, which, counts = np.unique(np.floor(colors / 12), axis=0, return_inverse=True, return_counts=True)
    return [np.median(colors[which.ravel() == cell], axis=0) for cell in counts.argsort()[::-1][:8]]


def _outside(far: Levels, tolerance: float, holes: bool) -> NDArray[np.bool_]:
    """What looks like the background and is connected to the border by more than a thin crack."""
    edge = np.concatenate([far[0], far[-1], far[:, 0], far[:, -1]])
    grain = 1.4826 * np.median(edge[edge < FAR]) if (edge < FAR).any() else 0.0
    like = far < np.clip(3 * grain + 2, 5, 16) * tolerance
    crack = max(1, min(far.shape) // 160)
    wide = grown(_u8(like), -crack) > 127
    count, parts = cv2.connectedComponents(_u8(wide), connectivity=4)
    touching = np.unique(np.concatenate([parts[0], parts[-1], parts[:, 0], parts[:, -1]]))
    if holes:
        sizes = np.bincount(parts.ravel(), minlength=count)
        touching = np.union1d(touching, np.flatnonzero(sizes > far.size * 5e-4))
    core = np.isin(parts, touching[touching > 0])
    # The core grows back into what looks like the background, but not through the cracks.
    return _with_veil((grown(_u8(core), crack + 1) > 127) & like, far)


def _with_veil(outside: NDArray[np.bool_], far: Levels) -> NDArray[np.bool_]:
    """The background with the tinge that a strong edge throws on it (decoders and JPEG do that): a few pixels deep, and
    faint beside what is nearby."""
    depth = 1 + min(far.shape) // 42
    window = np.ones((4 * depth + 1, 4 * depth + 1), np.uint8)
    faint = far < np.minimum(0.3 * np.asarray(cv2.dilate(far, window)), 28)
    tinged = faint & (grown(_u8(outside), depth) > 127) & ~outside
    _, parts = cv2.connectedComponents(_u8(tinged), connectivity=4)
    touching = np.unique(parts[tinged & (grown(_u8(outside), 1) > 127)])
    return outside | np.isin(parts, touching[touching > 0])


def _outside_by_grabcut(pixels: Pixels, far: Levels) -> NDArray[np.bool_]:
    """GrabCut from a frame: the rim is background, the middle perhaps the subject. Rother et al. 2004."""
    height, width = far.shape
    rim = max(2, min(height, width) // 24)
    guess = np.full((height, width), cv2.GC_PR_FGD, np.uint8)
    guess[far < np.quantile(far, 0.2)] = cv2.GC_PR_BGD
    frame = np.ones((height, width), bool)
    frame[rim : height - rim, rim : width - rim] = False
    guess[frame] = cv2.GC_BGD
    cv2.setRNGSeed(0)  # its k-means draws from OpenCV's own generator; the same picture shall give the same cut
    bgr = np.ascontiguousarray(pixels[..., ::-1])
    cv2.grabCut(bgr, guess, (0, 0, width, height), np.zeros((1, 65)), np.zeros((1, 65)), 5, cv2.GC_INIT_WITH_MASK)
    return (guess == cv2.GC_BGD) | (guess == cv2.GC_PR_BGD)


def _without_specks(inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Only the parts that are large enough to belong to somebody: a 60th of the largest at least."""
    _, parts, stats, _ = cv2.connectedComponentsWithStats(_u8(inside), connectivity=8)
    sizes = stats[1:, cv2.CC_STAT_AREA]
    if not sizes.size:
        return inside
    return np.isin(parts, np.flatnonzero(sizes * 60 >= sizes.max()) + 1)


def _edge_width(pixels: Pixels) -> int:
    """How far from the found outline a pixel may still be a mixture."""
    return 2 + min(pixels.shape[:2]) // 256


def _matted(pixels: Pixels, inside: NDArray[np.bool_], behind: Levels) -> Pixels:
    """The subject with alpha, (H, W, 4): 1 well inside, 0 well outside, and between them how much of the pixel is subject.

    At the edge a pixel is taken for a mixture of what lies behind it and one of two colours of the subject: the nearest
    that is surely pure, or the one nearby that differs most from the background (an outline). The pair that explains
    the pixel better wins, and its pure colour is what remains.
    """
    levels, width = pixels.astype(np.float32), _edge_width(pixels)
    outline = _u8(inside)
    core, reach = grown(outline, -width) > 127, grown(outline, width) > 127
    unsure = reach & ~core
    alpha, colors = core.astype(np.float32), levels.copy()
    if unsure.any():
        seen, back = levels[unsure], behind[unsure]
        pure = core if core.any() else inside
        choices = (_spread(levels, pure)[unsure], _outstanding(levels, behind, inside, width)[unsure])
        shares, misses = zip(*(_share(seen, back, front) for front in choices), strict=True)
        second = (misses[1] + 2 < misses[0])[:, None]
        share = np.where(second[:, 0], shares[1], shares[0])
        front = np.where(second, choices[1], choices[0])
        # A thin veil may as well be grain of the background, and what is nearly whole is meant to be.
        share = np.clip((share - 0.1) / 0.8, 0, 1)
        unmixed = (seen - (1 - share[:, None]) * back) / np.maximum(share[:, None], 0.5)
        alpha[unsure] = share
        colors[unsure] = np.where(share[:, None] > 0.5, unmixed, front)
    colors[alpha == 0] = 0
    rgba = np.dstack([colors, alpha * 255])
    return np.rint(np.clip(rgba, 0, 255)).astype(np.uint8)


def _share(seen: Levels, back: Levels, front: Levels) -> tuple[Levels, Levels]:
    """(how much of `front` is in the mixture, by how much the mixture misses what is seen), each (N,)."""
    way = front - back
    length = (way * way).sum(axis=1)
    share = np.clip(((seen - back) * way).sum(axis=1) / np.maximum(length, 1), 0, 1)
    # Where subject and background look the same there is nothing to tell them apart by; the found outline stands.
    share = np.where(length < 150, 1, share)
    return share, np.linalg.norm(seen - back - share[:, None] * way, axis=1)


def _outstanding(levels: Levels, behind: Levels, inside: NDArray[np.bool_], width: int) -> Levels:
    """For every pixel the colour within `width` that differs most from the background. (H, W, 3)."""
    order = np.where(inside, np.linalg.norm(levels - behind, axis=2), -1).ravel().argsort()
    rank = np.empty(order.size, np.float64)
    rank[order] = np.arange(order.size)
    window = np.ones((2 * width + 1, 2 * width + 1), np.uint8)
    highest = np.asarray(cv2.dilate(rank.reshape(inside.shape), window), np.float64).astype(np.int64)
    return levels.reshape(-1, 3)[order[highest]]


def _spread(levels: Levels, known: NDArray[np.bool_]) -> Levels:
    """Every pixel's nearest known colour, softened a little. (H, W, 3)."""
    if not known.any():
        return np.broadcast_to(levels.mean(axis=(0, 1)), levels.shape).astype(np.float32)
    found = cv2.distanceTransformWithLabels(_u8(~known), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    labels = np.asarray(found[1], np.int32)
    table = np.zeros((int(labels.max()) + 1, 3), np.float32)
    table[labels[known]] = levels[known]
    spread = np.where(known[..., None], levels, table[labels])
    return np.where(known[..., None], levels, cv2.blur(spread, (3, 3))).astype(np.float32)


def _u8(flags: NDArray[np.bool_]) -> Mask:
    return flags.astype(np.uint8) * 255
