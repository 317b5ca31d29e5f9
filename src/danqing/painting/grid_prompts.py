"""Prompts from a text, A1111's script: every line is a prompt, or `--prompt "..." --steps 20` with flags for what else it changes."""

import shlex
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Annotated, Literal

from danqing.base.errors import RecipeError
from danqing.base.knobs import Knob, KnobField, knobs
from danqing.base.order import Order
from danqing.base.recipe import Recipe
from danqing.base.refs import ModelRef
from danqing.base.table import did_you_mean
from danqing.base.value import Value
from danqing.diffusion.names import SAMPLER_FACTS
from danqing.painting.axes import with_knob
from danqing.painting.axes_values import boolean_of, names_of

MOST_LINES = 10_000
LABEL = 80
"""Letters of a prompt that are shown beside its row."""
WORDY = ("prompt", "negative_prompt")
"""Flags that take every word up to the next flag."""
FLAGS: Mapping[str, str] = MappingProxyType(
    {
        "sd_model": "model",
        "sampler_name": "sampler",
        "scheduler": "schedule",
        "subseed": "variation.seed",
        "subseed_strength": "variation.strength",
        "seed_resize_from_w": "variation.from_width",
        "seed_resize_from_h": "variation.from_height",
        "cfg": "cfg_scale",
        "negative": "negative_prompt",
    }
)
"""A1111's flags that go by another name here, and short ones."""
WITHOUT_EFFECT = ("outpath_samples", "outpath_grids", "prompt_for_display", "do_not_save_samples", "do_not_save_grid")
"""A1111's flags about where files go: a grid keeps all of its own in one folder."""


class PromptLines(Value):
    """A text with prompts, and how its lines are used."""

    text: str = ""
    at: Annotated[Literal["start", "end"], Knob("Where", "A line's prompt before or behind the one of all.")] = "start"
    count_seeds: Annotated[bool, Knob("Count seeds", "The seed counts up from line to line.")] = False
    same_seed: Annotated[bool, Knob("Same seed", "A seed that is drawn is drawn once for all lines.")] = False


def line_orders(order: Order, lines: PromptLines) -> list[Order]:
    """One order a line. A line without a seed of its own, under an order whose seed is drawn, still has its seed to be drawn.

    Raises RecipeError with the number of a line that can't be understood.
    """
    found: list[Order] = []
    for number, line in used_lines(lines):
        try:
            one = _order_of_line(order, line, lines.at)
        except (RecipeError, ValueError) as problem:  # ValueError: quotes that don't close
            raise RecipeError(f"line {number} of the prompts: {problem}") from problem
        if lines.count_seeds and one.seeds != "random" and one.recipe.seed == order.recipe.seed:
            one = one.but(recipe=one.recipe.but(seed=order.recipe.seed + _painted(found)))
        found.append(one)
    return found


def used_lines(lines: PromptLines) -> list[tuple[int, str]]:
    """(number, text) of the lines that say something. Raises RecipeError for none, or for too many."""
    found = [(number, line.strip()) for number, line in enumerate(lines.text.splitlines(), 1) if line.strip()]
    if not found:
        raise RecipeError("there is no prompt in the text; it needs one a line")
    if len(found) > MOST_LINES:
        raise RecipeError(f"{len(found):,} prompts are too many; at most {MOST_LINES:,} are possible")
    return found


def line_label(number: int, line: str) -> str:
    """What a line is called beside its pictures."""
    return f"{number}: {line if len(line) <= LABEL else line[: LABEL - 3] + '...'}"


def _painted(orders: list[Order]) -> int:
    return sum(order.count * order.batch_size for order in orders)


def _order_of_line(order: Order, line: str, at: str) -> Order:
    # Only a line that begins with a flag has flags: A1111 takes "a cat --steps 20" for a prompt as well.
    said = dict(_flags(shlex.split(line))) if line.startswith("--") else {"prompt": line}
    for name in WORDY:
        standing = str(getattr(order.recipe, name))
        if said.get(name) and standing:
            said[name] = f"{said[name]} {standing}" if at == "start" else f"{standing} {said[name]}"
    for name, text in said.items():
        order = _turned(order, name, text)
    return order


def _flags(words: list[str]) -> Iterator[tuple[str, str]]:
    """(name, text) of every flag, by our names for knobs."""
    position = 0
    while position < len(words):
        flag = words[position]
        if not flag.startswith("--"):
            raise RecipeError(f"{flag!r} stands where a --flag is needed; quote what belongs together")
        name = _name_of(flag)
        end = position + 1
        while end < len(words) and not words[end].startswith("--"):
            end += 1
        taken = words[position + 1 : end if name in WORDY else min(end, position + 2)]
        if not taken:
            raise RecipeError(f"{flag} needs a value")
        yield name, " ".join(taken)
        position += 1 + len(taken)


def _name_of(flag: str) -> str:
    word = flag.removeprefix("--").replace("-", "_")
    known = {path.replace(".", "_"): path for path in _fields()} | dict(FLAGS)
    known |= {name: name for name in (*_ORDER_FLAGS, *WITHOUT_EFFECT)}
    if word not in known:
        raise RecipeError(f"no flag named {flag!r}{did_you_mean(flag, [f'--{name}' for name in known])}")
    return known[word]


def _fields() -> dict[str, KnobField]:
    return {field.path: field for field in knobs(Recipe)}


def _turned(order: Order, name: str, text: str) -> Order:
    if name in WITHOUT_EFFECT:
        return order
    if name in _ORDER_FLAGS:
        return _ORDER_FLAGS[name](order, text)
    if name == "seed" and text.strip() == "-1":
        return order.but(seeds="random")
    field = _fields()[name]
    changes = {} if name != "seed" else {"seeds": "increasing"}
    left_open = tuple(one for one in order.left_to_model if one != name)
    recipe = with_knob(order.recipe, name, _meant(field, text))
    return order.but(recipe=recipe, left_to_model=left_open, **changes)


def _meant(field: KnobField, text: str) -> object:
    """A flag's text as its knob wants it; numbers are read by the recipe itself."""
    if field.annotation is ModelRef:
        return ModelRef(name=text)
    if field.annotation is bool:
        return boolean_of(text)
    by_fold = {choice.casefold(): choice for choice in field.choices}
    return by_fold.get(text.casefold(), text)


def _styled(order: Order, text: str) -> Order:
    return order.but(styles=tuple(names_of(text)))


def _counted(order: Order, text: str) -> Order:
    return Order.model_validate({**_fields_of(order), "count": text})


def _batched(order: Order, text: str) -> Order:
    return Order.model_validate({**_fields_of(order), "batch_size": text})


def _fields_of(order: Order) -> dict[str, object]:
    return {name: getattr(order, name) for name in order.model_fields_set}


def _indexed(order: Order, text: str) -> Order:
    """A1111's place of a sampler in its menu, counted from 0."""
    names = SAMPLER_FACTS.names()
    if not text.strip().isdecimal() or int(text) >= len(names):
        raise RecipeError(f"--sampler_index is 0 to {len(names) - 1}, found {text!r}; --sampler_name says it by name")
    return _turned(order, "sampler", names[int(text)])


_ORDER_FLAGS: Mapping[str, Callable[[Order, str], Order]] = MappingProxyType(
    {
        "styles": _styled,
        "n_iter": _counted,
        "count": _counted,
        "batch_size": _batched,
        "sampler_index": _indexed,
    }
)
