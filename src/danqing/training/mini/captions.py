"""Contents to captions in English: tags, sentences and short prompts, with synonyms and dropped attributes. Other
languages stand in `captions_cjk`."""

from dataclasses import dataclass
from random import Random
from typing import Any

from danqing.training.mini.content import NONE, Backdrop, Content, Figure, Person, Thing
from danqing.training.mini.world import World

_COUNTS = {2: "two", 3: "three"}
_DIRECTIONS = {"left": "on the left", "right": "on the right"}


@dataclass(frozen=True)
class Speaker:
    """Words for contents: `rng` chooses the synonyms, `drop` is how often an attribute goes unsaid."""

    rng: Random
    world: World
    drop: float = 0.0

    def say(self, word: str) -> str:
        """The word or one of its synonyms."""
        return self.rng.choice(self._english["synonyms"].get(word, [word]))

    def keeps(self) -> bool:
        """Whether the next attribute is said."""
        return self.rng.random() >= self.drop

    def tags(self, content: Content) -> str:
        """Tag style: `1girl, long pink hair, smile, blue background, toon style`."""
        parts = [*self._figure_tags(content), *self._frame_tags(content)]
        if self.keeps():
            parts.append(self._backdrop_tag(content.backdrop))
        if self.keeps() and self.keeps():
            parts.append(self.style(content.figures[0]))
        if content.sticker:
            parts.append(self.say("sticker"))
        return ", ".join(part for part in parts if part)

    def sentence(self, content: Content) -> str:
        """Sentence style: `a smiling girl with long pink hair on a blue background, toon style`."""
        style = self.style(content.figures[0]) if self.keeps() and self.keeps() else ""
        subject = self._subject(content)
        frame = ", ".join(self._frame_tags(content))
        if self.keeps():
            subject = f"{subject} {self._backdrop_phrase(content.backdrop)}"
        if style and self.rng.random() < 0.4:
            return ", ".join(part for part in (f"{style} of {subject}", frame, self._sticker(content)) if part)
        return ", ".join(part for part in (subject, frame, style, self._sticker(content)) if part)

    def style(self, figure: Figure) -> str:
        """The name of a figure's style."""
        if isinstance(figure, Person):
            return self.rng.choice(self.world.styles[figure.style]["names"])
        return self.say(figure.style)

    def hair(self, person: Person) -> str:
        """`long pink hair`, `pink hair, ponytail`, `bald`."""
        if not person.hair_color:
            return person.hair
        color = self.say(person.hair_color)
        if "hair" in person.hair and person.hair != "hair bun":
            return person.hair.replace("hair", f"{color} hair")
        return f"{color} hair, {person.hair}"

    @property
    def _english(self) -> dict[str, Any]:
        return self.world.words["en"]

    def _sticker(self, content: Content) -> str:
        return self.say("sticker") if content.sticker else ""

    def _figure_tags(self, content: Content) -> list[str]:
        if content.arrangement == "row":
            thing = content.things[0]
            return [f"{_COUNTS[len(content.figures)]} {plural(thing.noun, self.world)}"]
        if content.arrangement == "single":
            return self._tags_of(content.figures[0])
        first, second = (self._brief(figure) for figure in content.figures)
        if content.arrangement == "above":
            return [f"{first} above {second}"]
        if self.rng.random() < 0.3:
            return [f"{first} and {second}"]
        return [f"{first} on the left", f"{second} on the right"]

    def _tags_of(self, figure: Figure) -> list[str]:
        if isinstance(figure, Thing):
            return [figure.noun]
        said = [tag for tag in self._person_tags(figure) if self.keeps()]
        self.rng.shuffle(said)
        return [f"1{figure.who}", *(["solo"] if self.rng.random() < 0.2 else []), *said]

    def _person_tags(self, person: Person) -> list[str]:
        tags = [self.hair(person), self.say(person.expression)]
        tags += [self.say(tag) for tag in (person.eyes, person.detail) if tag]
        tags += [self.say(tag) for tag in (person.glasses, person.facial_hair) if tag != NONE]
        if person.clothes:
            tags.append(f"{self.say(person.clothes_color)} {self.say(person.clothes)}")
        if person.hat:
            tags.append(f"{self.say(person.hat_color)} {person.hat}")
        if self.rng.random() < 0.6:
            tags.append(f"{person.skin} skin")
        return tags

    def _brief(self, figure: Figure) -> str:
        """A figure among others: `girl with pink hair`, `apple`."""
        if isinstance(figure, Thing):
            return figure.noun
        who = self.say(figure.who)
        return f"{who} with {self.say(figure.hair_color)} hair" if figure.hair_color and self.keeps() else who

    def _frame_tags(self, content: Content) -> list[str]:
        tags: list[str] = []
        if content.framing == "close-up" or (content.framing == "from afar" and self.keeps()):
            tags.append(self.say(content.framing))
        elif content.arrangement == "single" and content.people and self.rng.random() < 0.15:
            tags.append(self.say("upper body"))
        if content.place in _DIRECTIONS and self.keeps():
            tags.append(_DIRECTIONS[content.place])
        return tags

    def _backdrop_tag(self, backdrop: Backdrop) -> str:
        if backdrop.kind == "plain":
            return self.say("simple").format(self.say(backdrop.colors[0]))
        if backdrop.kind == "gradient":
            first, second = (self.say(color) for color in backdrop.colors)
            return f"gradient background, {first} and {second}"
        scene = self._english["scenes"][backdrop.scene][0].format(*backdrop.colors)
        return ", ".join(part for part in (scene, self._light(backdrop, 0)) if part)

    def _backdrop_phrase(self, backdrop: Backdrop) -> str:
        if backdrop.kind == "plain":
            return f"on {article(self.say(backdrop.colors[0]))} background"
        if backdrop.kind == "gradient":
            first, second = (self.say(color) for color in backdrop.colors)
            return f"on {article(first)} and {second} gradient background"
        scene = self._english["scenes"][backdrop.scene][1].format(*backdrop.colors)
        return " ".join(part for part in (scene, self._light(backdrop, 1)) if part)

    def _light(self, backdrop: Backdrop, form: int) -> str:
        # Day is what a scene looks like unless told otherwise: seldom said.
        if not backdrop.light or (backdrop.light == "day" and self.rng.random() < 0.7):
            return ""
        return self._english["lights"][backdrop.light][form]

    def _subject(self, content: Content) -> str:
        if content.arrangement == "row":
            return f"{_COUNTS[len(content.figures)]} {plural(content.things[0].noun, self.world)}"
        if content.arrangement == "single":
            figure = content.figures[0]
            return self._person_phrase(figure) if isinstance(figure, Person) else with_article(figure.noun, self.world)
        first, second = (with_article(self._brief(figure), self.world) for figure in content.figures)
        if content.arrangement == "above":
            return f"{first} above {second}"
        if self.rng.random() < 0.5:
            return f"{first} to the left of {second}"
        return f"{first} and {second} side by side"

    def _person_phrase(self, person: Person) -> str:
        mood = self._english["adjectives"].get(person.expression, "") if self.keeps() else ""
        withs = [self.hair(person)] if self.keeps() else []
        withs += [self.say(w) for w in (person.glasses, person.facial_hair) if w != NONE and self.keeps()]
        withs += [w for w in (person.detail, person.eyes) if w and w != "wink" and self.keeps()]
        phrase = article(mood + self.say(person.who))
        if withs:
            phrase = f"{phrase} with {' and '.join(withs)}"
        worn = []
        if person.clothes and self.keeps():
            clothes = f"{self.say(person.clothes_color)} {self.say(person.clothes)}"
            worn.append(clothes if person.clothes == "clothes" else article(clothes))
        if person.hat and self.keeps():
            worn.append(article(f"{self.say(person.hat_color)} {person.hat}"))
        return f"{phrase} wearing {' and '.join(worn)}" if worn else phrase


def article(words: str) -> str:
    """The words with `a` or `an` before them."""
    return f"{'an' if words[0].lower() in 'aeiou' and not words.startswith('u') else 'a'} {words}"


def with_article(noun: str, world: World) -> str:
    """The noun with its article, or alone where it takes none (`cheese`)."""
    return noun if noun in world.nouns["without_article"] else article(noun)


def plural(noun: str, world: World) -> str:
    """The noun for several."""
    if noun in world.nouns["without_article"]:
        return noun
    return f"{noun}es" if noun.endswith(("s", "x", "sh", "ch")) else f"{noun}s"


def english_captions(rng: Random, world: World, content: Content) -> list[str]:
    """Three captions: one that says nearly everything, one that drops some, one short."""
    forms = [Speaker.tags, Speaker.sentence, rng.choice((Speaker.tags, Speaker.sentence))]
    rng.shuffle(forms)
    return [form(Speaker(rng, world, drop), content) for form, drop in zip(forms, (0.04, 0.2, 0.6), strict=True)]
