"""What the judge is asked about a picture, and the right answers by its content. A question that doesn't apply has no
answer."""

from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType

from danqing.training.mini.content import Content, Person
from danqing.training.mini.world import FRAMINGS, SCENES, THING_STYLES, World

SILENT = -100
"""The index of no answer, as torch's cross entropy ignores it."""

LAYOUTS = (
    "person",
    "thing",
    "two alike",
    "three alike",
    "two things",
    "thing above thing",
    "person and thing",
    "two people",
)


@dataclass(frozen=True)
class Question:
    """A name, the possible answers in order, and the right one for a content (None: doesn't apply)."""

    name: str
    answers: tuple[str, ...]
    right: Callable[[Content], str | None]

    def index(self, content: Content) -> int:
        """Place of the right answer, or SILENT."""
        answer = self.right(content)
        return SILENT if answer is None else self.answers.index(answer)


def questions_of(world: World) -> tuple[Question, ...]:
    """All questions, in the order of the judge's outputs."""
    clothes, nouns = tuple(world.palette["clothes"]), tuple(world.labels)
    asked = [
        Question("layout", LAYOUTS, layout),
        Question("background", (*world.backgrounds, "gradient", *SCENES), background),
        Question("light", ("day", "night", "sunset"), lambda c: c.backdrop.light or None),
        Question("framing", FRAMINGS, lambda c: c.framing if c.arrangement == "single" else None),
        Question("place", ("left", "center", "right"), lambda c: c.place if c.framing == "from afar" else None),
        Question("sticker", ("no", "yes"), lambda c: "yes" if c.sticker else "no"),
        Question("style", (*world.styles, *THING_STYLES), lambda c: c.figures[0].style),
        Question("object", nouns, lambda c: c.things[0].noun if c.things else None),
        Question("second object", nouns, lambda c: c.things[1].noun if layout(c) in LAYOUTS[4:6] else None),
        Question("hair color", tuple(world.palette["hair"]), _of_person("hair_color")),
        Question("clothes color", clothes, _of_person("clothes_color")),
        Question("skin", tuple(world.palette["skin"]), _of_person("skin")),
    ]
    for name, slot in (
        ("hair", "hair"),
        ("expression", "expression"),
        ("glasses", "glasses"),
        ("beard", "facial_hair"),
    ):
        asked.append(Question(name, _values(world, slot), _of_person(slot)))
    return tuple(asked)


def layout(content: Content) -> str:
    """How the figures stand, as one of LAYOUTS."""
    if content.arrangement == "single":
        return "person" if content.people else "thing"
    if content.arrangement == "row":
        return MappingProxyType({2: "two alike", 3: "three alike"})[len(content.figures)]
    if content.arrangement == "above":
        return "thing above thing"
    return ("two things", "person and thing", "two people")[len(content.people)]


def background(content: Content) -> str:
    """The colour of a plain background, `gradient`, or the scene."""
    backdrop = content.backdrop
    return backdrop.scene or ("gradient" if backdrop.kind == "gradient" else backdrop.colors[0])


def _of_person(slot: str) -> Callable[[Content], str | None]:
    """A trait of the only person: among two, which one is meant would be unclear."""

    def right(content: Content) -> str | None:
        if len(content.people) != 1:
            return None
        person: Person = content.people[0]
        return getattr(person, slot) or None

    return right


def _values(world: World, slot: str) -> tuple[str, ...]:
    every = [part["value"] for style in world.styles.values() for part in style["parts"].get(slot, ())]
    return tuple(dict.fromkeys(every))
