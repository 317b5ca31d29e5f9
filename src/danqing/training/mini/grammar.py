"""Draws contents at random: by the shares of the training set, or evenly over everything (for judging). Nothing is
rendered here."""

from dataclasses import dataclass
from random import Random
from typing import Any

from danqing.training.mini.content import Backdrop, Content, Figure, Person, Thing
from danqing.training.mini.world import FRAMINGS, OUTDOORS, SCENES, THING_STYLES, WALLS, World


@dataclass(frozen=True)
class Mix:
    """Shares of what is drawn. `even` draws every style, value and noun alike; `everything` lets in what training
    never shows."""

    arrangements: tuple[tuple[str, float], ...] = (
        ("person", 42),
        ("thing", 38),
        ("row", 5),
        ("two things", 7),
        ("person and thing", 4),
        ("two people", 4),
    )
    backdrops: tuple[tuple[str, float], ...] = (("plain", 58), ("gradient", 12), ("scene", 30))
    framings: tuple[float, float, float] = (10, 78, 12)
    sticker: float = 0.05
    even: bool = False
    everything: bool = False


TRAINING = Mix()
JUDGING = Mix(even=True)
EVERYTHING = Mix(everything=True)


@dataclass(frozen=True)
class AvatarOrder:
    """What the avatar renderer is told; equal orders give equal pixels."""

    collection: str
    options: dict[str, Any]


def draw_content(rng: Random, world: World, mix: Mix = TRAINING) -> tuple[Content, tuple[AvatarOrder, ...]]:
    """One content, with the avatar orders of its people in order."""
    kind = _weighted(rng, mix.arrangements)
    orders: list[AvatarOrder] = []

    def person() -> Person:
        drawn, order = draw_person(rng, world, mix)
        orders.append(order)
        return drawn

    backdrop = draw_backdrop(rng, world, mix)
    sticker = rng.random() < mix.sticker
    framing = _weighted(rng, tuple(zip(FRAMINGS, mix.framings, strict=True)))
    place = "center"
    if kind in ("person", "thing") and framing == "from afar":
        place = rng.choice(("left", "center", "right"))
    figures: tuple[Figure, ...]
    arrangement = "single"
    if kind == "person":
        figures = (person(),)
    elif kind == "thing":
        figures = (_thing(rng, world, mix),)
    elif kind == "row":
        figures = (_thing(rng, world, mix),) * rng.choice((2, 3))
        arrangement = "row"
    elif kind == "two things":
        first = _thing(rng, world, mix)
        figures = (first, Thing(_noun(rng, world, mix, but=first.noun), first.style))
        arrangement = "beside" if rng.random() < 0.75 else "above"
    else:
        second: Figure = person() if kind == "two people" else _thing(rng, world, mix)
        figures = (second, person()) if kind == "two people" else (person(), second)
        arrangement = "beside"
    if arrangement != "single":
        framing = "upper body"
    return Content(figures, arrangement, backdrop, framing, place, sticker), tuple(orders)


def draw_person(rng: Random, world: World, mix: Mix = TRAINING) -> tuple[Person, AvatarOrder]:
    """An avatar's attributes and the order that renders them."""
    names = tuple(world.styles) if mix.everything else world.known_styles
    shares = tuple((n, 1.0 if mix.even else world.styles[n]["weight"] or 8.0) for n in names)
    name = _weighted(rng, shares)
    style = world.styles[name]
    options: dict[str, Any] = dict(style["always"])
    hair = _part(rng, style["parts"]["hair"], mix, "")
    who = hair.get("who") or rng.choice(("girl", "boy"))
    chosen = {"hair": hair["value"]}
    _merge(rng, options, hair)
    for slot, values in style["parts"].items():
        if slot == "hair":
            continue
        part = _part(rng, values, mix, who)
        _merge(rng, options, part)
        chosen[slot] = part["value"]
    if chosen.get("glasses") == "sunglasses":
        # Sunglasses hide the eyes: no caption may name what can't be seen.
        chosen["eyes"] = ""
    colors: dict[str, str] = {}
    for slot, option in style["colors"].items():
        palette = "clothes" if slot in ("clothes_color", "hat_color") else slot.removesuffix("_color")
        colors[slot] = rng.choice(tuple(world.palette[palette]))
        options[option] = [rng.choice(world.palette[palette][colors[slot]])]
    for option, slot in style.get("follows", {}).items():
        options[option] = options[style["colors"][slot]]
    if not chosen.get("hat"):
        colors.pop("hat_color", None)
    if chosen["hair"] == "bald":
        colors["hair_color"] = ""
    return Person(who=who, style=name, **chosen, **colors), AvatarOrder(style["collection"], options)


def draw_backdrop(rng: Random, world: World, mix: Mix = TRAINING) -> Backdrop:
    """What stands behind."""
    kind = _weighted(rng, mix.backdrops)
    if kind == "plain":
        return Backdrop("plain", (rng.choice(world.backgrounds),))
    if kind == "gradient":
        bright = [c for c in world.backgrounds if c not in ("gray", "brown")]
        return Backdrop("gradient", tuple(rng.sample(bright, 2)))
    scene = rng.choice(SCENES)
    if scene == "room":
        return Backdrop("scene", (rng.choice(WALLS),), scene)
    light = _weighted(rng, (("day", 60), ("night", 20), ("sunset", 20))) if scene in OUTDOORS else ""
    return Backdrop("scene", (), scene, light)


def _thing(rng: Random, world: World, mix: Mix) -> Thing:
    shares = ((s, 1.0) for s in THING_STYLES) if mix.even else zip(THING_STYLES, (50, 18, 16, 16), strict=True)
    return Thing(_noun(rng, world, mix), _weighted(rng, tuple(shares)))


def _noun(rng: Random, world: World, mix: Mix, but: str = "") -> str:
    nouns = tuple(world.labels) if mix.everything else world.known_nouns
    return rng.choice([noun for noun in nouns if noun != but])


def _part(rng: Random, values: list[dict[str, Any]], mix: Mix, who: str) -> dict[str, Any]:
    fitting = [v for v in values if not who or v.get("who", who) == who]
    index = rng.choices(range(len(fitting)), [1.0 if mix.even else v["share"] for v in fitting])[0]
    return fitting[index]


def _merge(rng: Random, options: dict[str, Any], part: dict[str, Any]) -> None:
    for name, choices in part["options"].items():
        options[name] = [rng.choice(choices)] if isinstance(choices, list) else choices


def _weighted(rng: Random, shares: tuple[tuple[str, float], ...]) -> str:
    return rng.choices([name for name, _ in shares], [share for _, share in shares])[0]
