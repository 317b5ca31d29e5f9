"""The kinds of work that jobs may be: a table from names to handlers, which only a worker loads."""

from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias

from danqing.base.errors import JobError
from danqing.base.job import Lane
from danqing.base.table import Table


@dataclass(frozen=True)
class Kind:
    """`handler` is "module:function", a `worker.Handler`; named and not held, for the server must not load what it imports.

    `loads` names a module that its lane loads before it says that it is ready, so that the first job doesn't wait for it.
    """

    handler: str
    lane: Lane = "quick"
    about: str = ""
    loads: str = ""


Kinds: TypeAlias = Table[Kind]

KINDS: Kinds = Table(
    "kind of job",
    MappingProxyType(
        {
            "paint": Kind(
                "danqing.studio.painters:paint",
                "paint",
                "Paint the pictures of an order.",
                loads="danqing.painting.engine",
            ),
            "enlarge": Kind("danqing.studio.enlarging:enlarge", "paint", "Enlarge one picture, as A1111's Extras do."),
            "tokens": Kind("danqing.studio.painters:count_tokens", about="Count the tokens of a prompt."),
            "lint": Kind(
                "danqing.studio.painters:lint_prompt", about="Look over a prompt with the models that are here."
            ),
        }
    ),
    error=JobError,
)
"""`with_entries` adds to it."""
