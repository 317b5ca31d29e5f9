"""An option for every knob of an order and its recipe, made from the knobs: what a field says of itself is its help."""

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Annotated, Any

import typer
from rich.markup import escape

from danqing.base.knobs import KnobField, knobs
from danqing.base.order import MODEL_CHOSEN, Order
from danqing.base.recipe import Recipe
from danqing.base.refs import ModelRef

PANELS = {"basic": "The picture", "advanced": "More knobs", "expert": "More knobs"}
SHORT: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "negative_prompt": ("-n", "--negative"),
        "steps": ("-s",),
        "width": ("-W",),
        "height": ("-H",),
        "cfg_scale": ("--cfg",),
        "schedule": ("--schedule-type",),
        "count": ("-c",),
        "batch_size": ("-b",),
    }
)
"""Other names of the options that are typed most, by path."""
HELP: Mapping[str, str] = MappingProxyType({"seed": "The same seed gives the same picture; -1 or random draws one."})
"""Where the command line takes more than the field does."""
NO_DEFAULT = (None, "", ModelRef())
ENDLESS = 2**32
"""A range that ends beyond this says nothing."""


def knob_fields() -> Iterator[KnobField]:
    """Every knob that becomes an option: the recipe's but the prompt, which is the argument, then the order's own."""
    yield from (field for field in knobs(Recipe) if field.path != "prompt")
    yield from (field for field in knobs(Order) if not field.path.startswith("recipe."))


def option_of(path: str) -> str:
    """ "hires.denoising_strength" is --hires-denoising-strength."""
    return "--" + path.replace(".", "-").replace("_", "-")


def parameter_of(path: str) -> str:
    """The name under which the command receives it."""
    return path.replace(".", "__")


def path_of(parameter: str) -> str:
    """The way back from `parameter_of`."""
    return parameter.replace("__", ".")


def with_knob_options(function: Callable[..., None]) -> Callable[..., None]:
    """The command with an option for every knob of an order in place of its `**knobs`."""
    return with_options_of(knob_fields(), function)


def with_options_of(fields: Iterable[KnobField], function: Callable[..., None]) -> Callable[..., None]:
    """The command with an option a knob in place of its `**knobs`; each arrives as the text that was typed, or None."""
    own = inspect.signature(function, eval_str=True)
    first, *fixed = [
        one.replace(kind=one.KEYWORD_ONLY) for one in own.parameters.values() if one.kind != one.VAR_KEYWORD
    ]
    parameters = [first, *map(_parameter, fields), *fixed]  # the help shows panels in this order

    def command(**values: Any) -> None:
        function(**values)

    command.__doc__ = function.__doc__
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    vars(command)["__signature__"] = own.replace(parameters=parameters)
    return command


def _parameter(field: KnobField) -> inspect.Parameter:
    flag = field.annotation is bool
    names = [option_of(field.path), *SHORT.get(field.path, ())]
    if flag:
        names = [f"{names[0]}/--no-{names[0].removeprefix('--')}"]
    option = typer.Option(
        *names,
        help=escape(_help(field)),
        metavar=None if flag else _metavar(field),
        rich_help_panel=PANELS[field.knob.group],
        # The help of a hundred options helps nobody; `--knobs` lists them all.
        hidden=field.knob.group == "expert" or ("." in field.path and field.knob.group != "basic"),
        show_default=False,
    )
    return inspect.Parameter(
        parameter_of(field.path),
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[bool | None if flag else str | None, option],
    )


def knob_lines() -> Iterator[str]:
    """Every knob in plain text: option, path for --set and axes, what it does and what it takes."""
    for field in knob_fields():
        yield f"{option_of(field.path)} ({field.path}): {_help(field)}"


def _help(field: KnobField) -> str:
    knob = field.knob
    text = HELP.get(field.path) or knob.help or f"{knob.label}."
    if "." in field.path and knob.help:
        text = f"{knob.label}: {text[:1].lower()}{text[1:]}" if text[1:2].islower() else f"{knob.label}: {text}"
    extra = [one for one in (_possible(field), _usual(field)) if one]
    return f"{text} ({'; '.join(extra)})" if extra else text


def _possible(field: KnobField) -> str:
    least, most = field.knob.least, field.knob.most
    if field.choices:
        return " | ".join(field.choices)
    if least is None or most is None or most >= ENDLESS:
        return ""
    return f"{least:g} to {most:g}"


def _usual(field: KnobField) -> str:
    if field.path in MODEL_CHOSEN:
        return "usually the model's"
    if field.default in NO_DEFAULT or field.path == "seed":
        return ""
    if isinstance(field.default, bool):
        return "usually yes" if field.default else "usually no"
    return f"usually {field.default:g}" if isinstance(field.default, float) else f"usually {field.default}"


def _metavar(field: KnobField) -> str:
    if field.choices:
        return "NAME"
    if field.annotation is int:
        return "N"
    return "NUMBER" if field.annotation is float else "NAME" if field.annotation is ModelRef else "TEXT"
