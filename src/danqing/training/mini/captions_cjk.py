"""Contents to captions in Chinese and Korean, from our own word lists and emojibase's names. One form of sentence a
language, not a grammar."""

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from danqing.training.mini.content import NONE, Backdrop, Content, Figure, Person
from danqing.training.mini.world import World


@dataclass(frozen=True)
class ForeignSpeaker:
    """Words for contents in one language. `names`: caption noun -> its name there."""

    rng: Random
    words: dict[str, Any]
    names: Mapping[str, str]
    drop: float = 0.0

    def caption(self, content: Content) -> str:
        """A list of what is seen, joined by the language's comma."""
        if content.arrangement == "single" and content.things and content.backdrop.kind != "gradient" and self._half():
            return self._thing_in_place(content)
        parts = self._figures(content)
        if self.keeps():
            parts.append(self.backdrop(content.backdrop))
        if content.backdrop.light in ("night", "sunset") and content.backdrop.scene != content.backdrop.light:
            parts.append(self._word(content.backdrop.light))
        if content.framing != "upper body" and self.keeps():
            parts.append(self._word(content.framing))
        style = content.figures[0].style
        if style in self.words["words"] and self.keeps() and self.keeps():
            parts.append(self._word(style))
        if content.sticker:
            parts.append(self._word("sticker"))
        return self.words["comma"].join(parts)

    def keeps(self) -> bool:
        """Whether the next attribute is said."""
        return self.rng.random() >= self.drop

    def name(self, noun: str) -> str:
        """What the object is called: our own word where the emoji's name says more or less than the drawing shows, else
        that name without the `face` that it may carry."""
        own: str | None = self.words["names"].get(noun)
        if own is not None:
            return own
        name = self.names[noun]
        for ending in self.words["strip"]:
            name = name.removesuffix(ending)
        return name

    def backdrop(self, backdrop: Backdrop) -> str:
        """`蓝色背景`, `파란 배경`."""
        forms, colors = self.words["forms"], self.words["colors"]
        if backdrop.kind == "plain":
            return forms["background"].format(color=colors[backdrop.colors[0]])
        if backdrop.kind == "gradient":
            return forms["gradient"].format(first=colors[backdrop.colors[0]], second=colors[backdrop.colors[1]])
        return self.words["scenes"][backdrop.scene]

    def _half(self) -> bool:
        return self.rng.random() < 0.5

    def _word(self, word: str) -> str:
        return self.words["words"][word]

    def _thing_in_place(self, content: Content) -> str:
        thing, forms = self.name(content.things[0].noun), self.words["forms"]
        if content.backdrop.scene:
            return forms["in"].format(scene=self.words["scenes"][content.backdrop.scene], thing=thing)
        return forms["on"].format(background=self.backdrop(content.backdrop), thing=thing)

    def _figures(self, content: Content) -> list[str]:
        if content.arrangement == "row":
            count, name = self._word(str(len(content.figures))), self.name(content.things[0].noun)
            # Korean counts after the noun, Chinese before it.
            return [f"{name} {count}" if self.words["comma"] == ", " else f"{count}{name}"]
        if content.arrangement == "single":
            figure = content.figures[0]
            return self._person(figure) if isinstance(figure, Person) else [self.name(figure.noun)]
        first, second = (self._brief(figure) for figure in content.figures)
        if self.words["comma"] == ", ":
            return [f"{first}{particle(first, *self._word('and').split('/'))} {second}"]
        return [f"{first}{self._word('and')}{second}"]

    def _brief(self, figure: Figure) -> str:
        if not isinstance(figure, Person):
            return self.name(figure.noun)
        return self._with_hair(figure) if figure.hair_color and self.keeps() else self._word(figure.who)

    def _with_hair(self, person: Person) -> str:
        hair = self.words["forms"]["hair"].format(color=self.words["colors"][person.hair_color])
        return f"{hair}{'的' if self.words['comma'] == '，' else ' '}{self._word(person.who)}"

    def _person(self, person: Person) -> list[str]:
        forms, colors = self.words["forms"], self.words["colors"]
        parts = [self._with_hair(person) if person.hair_color and self.keeps() else self._word(person.who)]
        said = [person.hair, person.expression, person.eyes, person.detail, person.glasses, person.facial_hair]
        parts += [self._word(word) for word in said if word and word != NONE and self.keeps()]
        if person.clothes and self.keeps():
            clothes = self._word(person.clothes)
            parts.append(forms["wears"].format(color=colors[person.clothes_color], clothes=clothes))
        if person.hat and self.keeps():
            parts.append(forms["hat"].format(color=colors[person.hat_color]))
        return parts


def particle(word: str, after_vowel: str, after_consonant: str) -> str:
    """Which form of a Korean particle follows the word, by its last syllable: `사과와`, `곰과`."""
    place = ord(word[-1]) - ord("가")
    return after_consonant if 0 <= place < 11172 and place % 28 else after_vowel


def foreign_caption(rng: Random, world: World, content: Content, names: Mapping[str, Mapping[str, str]]) -> str:
    """One caption in Chinese or Korean. names: language -> caption noun -> name."""
    language = rng.choice(("zh", "ko"))
    speaker = ForeignSpeaker(rng, world.words[language], names[language], rng.choice((0.05, 0.5)))
    return speaker.caption(content)
