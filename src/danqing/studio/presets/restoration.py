"""Old photographs restored: scratches found and mended, fading and grain taken back, colours as far as honest, enlarged."""

from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray

from danqing.base.errors import ImageError, RecipeError
from danqing.base.knobs import Knob
from danqing.base.picture import Pixels
from danqing.base.refs import ImageRef
from danqing.pixels.color import LUMA
from danqing.pixels.mask import Mask, fitted_mask, mask_of
from danqing.pixels.resize import resize
from danqing.pixels.restore import (
    Damage,
    brightened,
    denoised,
    dust_mask,
    grain,
    is_monochrome,
    mended,
    scratch_mask,
    unfaded,
    with_colors_of,
)
from danqing.studio.presets.desk import Desk, opaque
from danqing.studio.presets.pieces import Finding, Made, Piece, PresetSettings, Source
from danqing.studio.presets.preset import Preset

BELIEVED = 0.1
"""Where more of a picture than this is taken for damage, most of it is none."""
KEPT = 0.6
"""Below this correlation of edges before and after, more than grain and damage has gone."""
LEFT = 0.2
"""This share of the damage may still be found afterwards."""


class RestorationSettings(PresetSettings):
    """`tone` "model" is the only one that invents anything: colours, by the prompt."""

    sensitivity: Annotated[
        float, Knob("Sensitivity", "Higher finds fainter scratches, and more that are none.", 0, 1, 0.05, group="basic")
    ] = 0.5
    widest: Annotated[
        int, Knob("Widest scratch", "Pixels; 0 goes by the picture's size.", 0, 100, 1, group="basic")
    ] = 0
    mask: Annotated[
        ImageRef | None, Knob("Mask", "White is damaged too: tears, stains, missing corners.", group="basic")
    ] = None
    mend: Annotated[
        Literal["neighbours", "model"],
        Knob("Mend", "Damage drawn in from around it, or painted by the model.", group="basic"),
    ] = "neighbours"
    denoise: Annotated[
        float, Knob("Denoise", "How much of the grain that was measured goes.", 0, 2, 0.1, group="basic")
    ] = 0.8
    unfade: Annotated[bool, Knob("Unfade", "Bring the range of light back, and take casts away.", group="basic")] = True
    brighten: Annotated[bool, Knob("Brighten", "Bring the middle of the light to the middle.", group="basic")] = False
    tone: Annotated[
        Literal["keep", "grey", "model"],
        Knob("Tone", "Colours as they are, none, or invented by the model for a picture that has none.", group="basic"),
    ] = "keep"
    strength: Annotated[
        float, Knob("Colouring strength", "How freely the model paints where it colours.", 0.1, 1, 0.05)
    ] = 0.5
    by: Annotated[float, Knob("Enlarge by", "1 leaves the size.", 1, 8, 0.5, group="basic")] = 2.0


@dataclass(frozen=True)
class Restored(Made):
    """The picture as it came, what was taken for damage, and the result before it was enlarged; (H, W, 3), (H, W), (H, W, 3)."""

    before: Pixels
    damage: Mask
    after: Pixels


def make_restored(desk: Desk, settings: RestorationSettings) -> Restored:
    """One photograph restored. A piece of what was taken for damage lies beside it, so that it can be looked at."""
    if len(settings.pictures) != 1:
        raise RecipeError(
            f"one photograph is restored at a time; give it with --picture ({len(settings.pictures)} given)"
        )
    source = desk.given()[0]
    before = opaque(source)
    damage = found_damage(before, settings, _marked(desk, settings, before))
    sources: tuple[Source, ...] = (source,)
    if settings.mend == "model" and damage.any():
        painted = _painted_over(desk, before, damage)
        new = resize(opaque(painted), before.shape[1], before.shape[0])
        sources, after = (painted, source), np.where(damage[..., None] > 0, new, before)
    else:
        after = mended(before, damage)
    after = denoised(after, grain(after) * settings.denoise)
    if settings.unfade:
        # Stretching the light of a toned print would stretch its tint into orange: it keeps its own.
        after = with_colors_of(unfaded(after), after) if is_monochrome(after) else unfaded(after)
    after = brightened(after) if settings.brighten else after
    if settings.tone == "grey":
        after = np.repeat(np.rint(after @ LUMA).astype(np.uint8)[..., None], 3, axis=2)
    elif settings.tone == "model":
        painted = _colored(desk, settings, after)
        sources, after = (painted, *sources), with_colors_of(after, opaque(painted))
    size = (round(before.shape[1] * settings.by), round(before.shape[0] * settings.by))
    pieces = (
        Piece("restored", desk.enlarged(after, *size), sources),
        Piece("damage", np.repeat(damage[..., None], 3, axis=2), (source,)),
    )
    return Restored(pieces, before, damage, after)


def check_restored(made: Restored, settings: RestorationSettings) -> tuple[Finding, ...]:
    """How much was taken for damage, how much of it is left, the grain, the range of light, and where colours come from."""
    share = float((made.damage > 0).mean())
    told = f"{share:.1%} of the picture was taken for damage"
    advice = "" if share <= BELIEVED else "; much of that is none: lower --sensitivity, or look at damage.png"
    found = [Finding("damage", share <= BELIEVED, told + advice, share), _left(made, settings)]
    grains = grain(made.before), grain(made.after)
    good = grains[1] <= max(2.0, grains[0])
    told = f"grain was {grains[0]:.1f} levels and is {grains[1]:.1f}"
    found.append(Finding("grain", good, told + ("" if good else "; lower contrast or denoise more"), grains[1]))
    found.append(_detail(made))
    reach = [float(np.ptp(np.quantile(pixels @ LUMA, (0.01, 0.99)))) for pixels in (made.before, made.after)]
    good = reach[1] >= min(150.0, reach[0])
    told = f"light reached over {reach[0]:.0f} levels and does over {reach[1]:.0f}"
    found.append(Finding("range", good, told + ("" if good else "; it is still faded"), reach[1]))
    if settings.tone == "model":
        told = "the colours are invented by the model, no record of the real ones"
        found.append(Finding("colours", False, told, 0.0))
    elif is_monochrome(made.before):
        found.append(Finding("colours", True, "the photograph has no colours of its own, and got none", 0.0))
    return tuple(found)


def found_damage(pixels: Pixels, settings: RestorationSettings, marked: Mask | None = None) -> Mask:
    """Scratches, dust, and what the user marked; (H, W), white is damaged."""
    how = Damage(settings.widest, settings.sensitivity)
    found = scratch_mask(pixels, how) | dust_mask(pixels, how)
    return found if marked is None else found | np.where(marked > 127, 255, 0).astype(np.uint8)


def _left(made: Restored, settings: RestorationSettings) -> Finding:
    """The damage is looked for again, and counts where it was: elsewhere it would be something that was none before either."""
    if not made.damage.any():
        return Finding("scratches left", True, "no scratches and no dust were found", 0.0)
    where = made.damage > 0
    again = found_damage(made.after, settings) > 0
    left = float((again & where).sum() / where.sum())
    good = left <= LEFT
    told = f"{left:.0%} of what was taken for damage is still found"
    return Finding("scratches left", good, told + ("" if good else "; give a --mask, or mend by the model"), left)


def likeness_of_edges(before: Pixels, after: Pixels, where: NDArray[np.bool_]) -> float:
    """The correlation of how steep the light of two pictures is, -1 to 1; 0 where one of them has no edges. (H, W, 3), (H, W)."""
    steps = [_steps(pixels)[where] for pixels in (before, after)]
    if not where.any() or min(float(one.std()) for one in steps) < 1e-6:
        return 0.0
    return float(np.corrcoef(steps[0], steps[1])[0, 1])


def _detail(made: Restored) -> Finding:
    """Edges are where they were, damage aside."""
    kept = likeness_of_edges(made.before, made.after, made.damage == 0)
    told = f"edges before and after go together by {kept:.2f}"
    return Finding("detail", kept >= KEPT, told + ("" if kept >= KEPT else "; fine detail went with the grain"), kept)


def _steps(pixels: Pixels) -> NDArray[np.float32]:
    """How steep the light is at every pixel, seen from a little afar: a mean over 5x5 first. (H, W)."""
    light = np.pad((pixels @ LUMA).astype(np.float32), 3, mode="edge")
    for _ in range(2):  # down, then across: each turn softens one axis and turns the picture
        softer = np.zeros((light.shape[1], light.shape[0] - 4), np.float32)
        for place in range(5):
            softer += light[place : place + softer.shape[1]].T
        light = softer / 5
    return np.hypot(light[1:-1, 2:] - light[1:-1, :-2], light[2:, 1:-1] - light[:-2, 1:-1])


def _marked(desk: Desk, settings: RestorationSettings, pixels: Pixels) -> Mask | None:
    if settings.mask is None:
        return None
    mask = mask_of(desk.opened(settings.mask).pixels)
    if not mask.any():
        raise ImageError("the mask is black all over: nothing is marked in it; paint what is damaged white")
    return fitted_mask(mask, pixels.shape[1], pixels.shape[0], "just resize")


def _painted_over(desk: Desk, pixels: Pixels, damage: Mask) -> Source:
    height, width = (max(16, round(side / 8) * 8) for side in pixels.shape[:2])  # as latents have it
    mask = np.repeat(damage[..., None], 3, axis=2)
    fields = {
        "width": width,
        "height": height,
        "init": {"image": desk.put(pixels, "photograph"), "denoising_strength": 0.75},
        "inpaint": {"mask": desk.put(mask, "damage"), "content": "fill", "blur_x": 1, "blur_y": 1},
    }
    return desk.paint([""], fields=fields)[0]


def _colored(desk: Desk, settings: RestorationSettings, pixels: Pixels) -> Source:
    """The photograph painted over, at a size that the model is used to; only its colours are taken."""
    image = {"image": desk.put(pixels, "photograph"), "denoising_strength": settings.strength}
    return desk.paint(["colour photograph"], pixels.shape[1] / pixels.shape[0], fields={"init": image})[0]


RESTORATION = Preset(RestorationSettings, make_restored, check_restored)
