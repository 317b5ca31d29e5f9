"""Templates to prompts: one drawn by chance, or every one there is. The chance and the word lists are passed in."""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice, permutations

from danqing.base.errors import PromptError
from danqing.prompt.template import (
    Assign,
    Choice,
    Piece,
    Sequence,
    Variable,
    Wildcard,
    Wrap,
    parse_template,
)
from danqing.prompt.wildcards import Wildcards

DEEPEST = 60
MOST_WORK = 100_000
MOST_CHARACTERS = 1_000_000
NO_WILDCARDS = Wildcards()


@dataclass
class _Work:
    """Counts what has been done, for a few lines of wildcards can stand for more text than there is memory."""

    left: int = MOST_WORK
    room: int = MOST_CHARACTERS
    turns: dict[Piece, int] = field(default_factory=dict[Piece, int])
    parsed: dict[str, Sequence] = field(default_factory=dict[str, Sequence])

    def step(self, text: str = "") -> str:
        self.left -= 1
        self.room -= len(text)
        if self.left < 0 or self.room < 0:
            raise PromptError("this template grows too large; use fewer options, or fewer wildcards in wildcards")
        return text

    def parse(self, text: str, emphasis: bool) -> Sequence:
        """An entry of a wildcard is parsed once, however often it comes."""
        if text not in self.parsed:
            self.parsed[self.step(text)] = parse_template(text, emphasis)
        return self.parsed[text]

    def turn(self, piece: Piece) -> int:
        """How often a cycling piece has been asked."""
        self.turns[piece] = self.turns.get(piece, -1) + 1
        return self.turns[piece]


@dataclass(frozen=True)
class _Scope:
    """What a piece is expanded with: the chance (None: every way there is), the prompt's index, the variables so
    far."""

    wildcards: Wildcards
    work: _Work
    chance: random.Random
    every: bool
    emphasis: bool
    index: int = 0
    depth: int = 0
    variables: Mapping[str, Sequence] = field(default_factory=dict[str, Sequence])

    def deeper(self, **variables: Sequence) -> "_Scope":
        if self.depth >= DEEPEST:
            raise PromptError(f"wildcards or variables lead into each other more than {DEEPEST} deep")
        return replace(self, depth=self.depth + 1, variables={**self.variables, **variables})


def draw_variant(
    text: str,
    chance: random.Random,
    wildcards: Wildcards = NO_WILDCARDS,
    index: int = 0,
    emphasis: bool = True,
) -> str:
    """One prompt of a template. For prompt `index` of an order `chance` is seeded with the order's seed + index;
    `{@a|b}` and `{!a|b}` take turns by the index. Raises PromptError where the template can't be understood or grows
    without end.
    """
    scope = _Scope(wildcards, _Work(), chance, False, emphasis, index)
    return next(_ways(parse_template(text, emphasis), scope))


def every_variant(
    text: str, wildcards: Wildcards = NO_WILDCARDS, most: int = 10_000, emphasis: bool = True
) -> list[str]:
    """The prompts a template stands for, at most `most`, in the order of its options; equal ones once.

    `{~a|b}` and `{@a|b}` take one value each time. Raises PromptError where too much would have to be tried.
    """
    scope = _Scope(wildcards, _Work(), random.Random(0), True, emphasis)
    return list(dict.fromkeys(islice(_ways(parse_template(text, emphasis), scope), most)))


def _ways(piece: Piece, scope: _Scope) -> Iterator[str]:
    """Every text a piece may become; under chance just one."""
    if isinstance(piece, str):
        yield scope.work.step(piece)
    elif isinstance(piece, Sequence):
        yield from _sequences(piece, scope)
    elif isinstance(piece, Choice):
        yield from _choices(piece, scope)
    elif isinstance(piece, Wildcard):
        yield from _wildcards(piece, scope)
    elif isinstance(piece, Variable):
        known = scope.variables.get(piece.name, piece.default)
        yield from _ways(known if known is not None else f"${{{piece.name}}}", scope.deeper())
    elif isinstance(piece, Wrap):
        for wrapper in _ways(piece.wrapper, scope):
            before, dots, after = wrapper.partition("...")
            for inner in _ways(piece.inner, scope):
                yield scope.work.step(f"{before}{inner}{after}" if dots else f"{wrapper}{inner}")


def _sequences(sequence: Sequence, scope: _Scope) -> Iterator[str]:
    items, scope = _assigned(sequence, scope)
    finite = [item for item in items if scope.every and not _takes_turns(item)]
    for chosen in _product(finite, scope):
        texts = iter(chosen)
        yield scope.work.step(
            "".join(
                next(texts) if scope.every and not _takes_turns(item) else next(_ways(item, scope), "")
                for item in items
            )
        )


def _takes_turns(piece: Piece) -> bool:
    return isinstance(piece, Choice | Wildcard) and piece.method in ("random", "cycle")


def _product(items: list[Piece], scope: _Scope) -> Iterator[list[str]]:
    """Every combination of the items' texts, the last changing fastest. No recursion: a template may have thousands of
    items."""
    ways: list[Iterator[str]] = []
    chosen: list[str] = []
    while True:
        if len(ways) < len(items):
            ways.append(_ways(items[len(ways)], scope))
        else:
            yield list(chosen)
        while ways:
            del chosen[len(ways) - 1 :]
            following = next(ways[-1], None)
            if following is not None:
                chosen.append(following)
                break
            ways.pop()
        if not ways:
            return


def _assigned(sequence: Sequence, scope: _Scope) -> tuple[list[Piece], _Scope]:
    """The items without assignments, and the scope with them: an assignment holds for its whole sequence."""
    given: dict[str, Sequence] = {}
    for item in sequence.items:
        if isinstance(item, Assign) and not (item.keep and item.name in scope.variables):
            inner = replace(scope, variables={**scope.variables, **given})
            value = Sequence((next(_ways(item.value, inner), ""),)) if item.at_once else item.value
            given[item.name] = value
    items: list[Piece] = [item for item in sequence.items if not isinstance(item, Assign)]
    return items, scope.deeper(**given) if given else scope


def _choices(choice: Choice, scope: _Scope) -> Iterator[str]:
    options = _options(choice, scope)
    if not options:
        return
    if choice.method == "cycle" or (choice.method == "every" and not scope.every):
        everything = list(islice(_combinations(choice, options, replace(scope, every=True)), 10_000))
        turn = scope.work.turn(choice) if scope.every else scope.index
        yield everything[turn % len(everything)] if everything else ""
    elif scope.every and choice.method != "random":
        yield from _combinations(choice, options, scope)
    else:
        yield _drawn(choice, options, scope)


def _options(choice: Choice, scope: _Scope) -> list[tuple[float, Sequence]]:
    """The options; where the only one is a wildcard, its entries."""
    if len(choice.options) == 1 and len(choice.options[0][1].items) == 1:
        only = choice.options[0][1].items[0]
        entries = _entries(only, scope) if isinstance(only, Wildcard) else ()
        if entries:
            return [(weight, scope.work.parse(text, scope.emphasis)) for weight, text in entries]
    return list(choice.options)


def _combinations(choice: Choice, options: list[tuple[float, Sequence]], scope: _Scope) -> Iterator[str]:
    low, high = _counts(choice, len(options))
    seen: set[tuple[str, ...]] = set()
    for count in range(low, high + 1):
        for picked in permutations([option for _, option in options], count):
            for texts in _product(list(picked), scope.deeper()):
                scope.work.step()
                if len(set(texts)) == count and tuple(texts) not in seen:
                    seen.add(tuple(texts))
                    yield choice.separator.join(filter(None, texts))


def _drawn(choice: Choice, options: list[tuple[float, Sequence]], scope: _Scope) -> str:
    count = scope.chance.randint(*_counts(choice, len(options)))
    left = list(options)
    texts: list[str] = []
    while left and len(texts) < count:
        weights = [weight for weight, _ in left]
        if not sum(weights):
            weights = [1.0] * len(left)
        place = scope.chance.choices(range(len(left)), weights)[0]
        text = next(_ways(left.pop(place)[1], replace(scope.deeper(), every=False)), "")
        if text not in texts:
            texts.append(text)
    return choice.separator.join(filter(None, texts))


def _counts(choice: Choice, available: int) -> tuple[int, int]:
    high = available if choice.high is None else min(choice.high, available)
    low = min(choice.low, available)
    return min(low, high), max(low, high)


def _wildcards(wildcard: Wildcard, scope: _Scope) -> Iterator[str]:
    entries = _entries(wildcard, scope)
    if not entries:
        yield scope.work.step(f"__{_path(wildcard, scope)}__")
        return
    inner = scope.deeper(**dict(wildcard.variables))
    if scope.every and wildcard.method in ("", "every"):
        seen: set[str] = set()
        for _, text in entries:
            for way in _ways(scope.work.parse(text, scope.emphasis), inner):
                if way not in seen:
                    seen.add(way)
                    yield way
        return
    if wildcard.method in ("cycle", "every"):
        turn = scope.work.turn(wildcard) if scope.every else scope.index
        text = entries[turn % len(entries)][1]
    else:
        weights = [weight for weight, _ in entries]
        text = scope.chance.choices([text for _, text in entries], weights if sum(weights) else None)[0]
    yield next(_ways(scope.work.parse(text, scope.emphasis), replace(inner, every=False)), "")


def _entries(wildcard: Wildcard, scope: _Scope) -> tuple[tuple[float, str], ...]:
    return scope.wildcards.entries(_path(wildcard, scope))


def _path(wildcard: Wildcard, scope: _Scope) -> str:
    return next(_ways(wildcard.path, scope.deeper()), "").strip()
