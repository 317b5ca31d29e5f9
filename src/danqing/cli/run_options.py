"""Where things are and how a command runs, as one value: the options that commands share, typed once."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from danqing.cli.options import (
    DeviceOption,
    DtypeOption,
    HomeOption,
    JsonOption,
    ModelsFromOption,
    QuietOption,
    open_studio,
)

if TYPE_CHECKING:
    from danqing.studio.studio import Studio


@dataclass(frozen=True)
class LookOptions:
    """Those of a command that looks and paints nothing; None for what is left to the settings."""

    home: HomeOption = None
    models_from: ModelsFromOption = None
    as_json: JsonOption = False

    def studio(self) -> "Studio":
        """The studio that they mean."""
        return open_studio(self.home, models_from=self.models_from)


@dataclass(frozen=True)
class RunOptions:
    """Those of a command that paints."""

    home: HomeOption = None
    models_from: ModelsFromOption = None
    device: DeviceOption = None
    dtype: DtypeOption = None
    as_json: JsonOption = False
    quiet: QuietOption = False

    def studio(self, device: str | None = None, dtype: str | None = None) -> "Studio":
        """The studio that they mean; the device and number format given here hold where none was typed."""
        return open_studio(
            self.home, models_from=self.models_from, device=self.device or device, dtype=self.dtype or dtype
        )

    @property
    def silent(self) -> bool:
        """Whether nothing is to be shown while it works."""
        return self.quiet or self.as_json


def with_options(kind: type[Any]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Gives a command the options of `kind` in place of its parameter `run`, which receives them as one value."""
    added = [
        one.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        for one in inspect.signature(kind, eval_str=True).parameters.values()
    ]

    def decorated(function: Callable[..., None]) -> Callable[..., None]:
        own = inspect.signature(function, eval_str=True)
        kept = [one for one in own.parameters.values() if one.name != "run"]
        rest = [one for one in kept if one.kind == one.VAR_KEYWORD]
        parameters = [*(one for one in kept if one not in rest), *added, *rest]

        def command(**values: Any) -> None:
            said = {field.name: values.pop(field.name) for field in fields(kind) if field.name in values}
            function(**values, run=kind(**said))

        command.__doc__ = function.__doc__
        command.__annotations__ = {one.name: one.annotation for one in parameters}
        vars(command)["__signature__"] = own.replace(
            parameters=[
                one if one.kind == one.VAR_KEYWORD else one.replace(kind=one.KEYWORD_ONLY) for one in parameters
            ]
        )
        return command

    return decorated
