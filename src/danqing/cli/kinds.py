"""The kinds of model files, as they are typed."""

from typing import get_args

from danqing.base.errors import ModelError
from danqing.base.protocols import ModelKind
from danqing.base.table import did_you_mean

KINDS = get_args(ModelKind)


def kind_of(word: str) -> ModelKind | None:
    """The kind that a word names, None for no word. Raises ModelError with the nearest one."""
    if not word:
        return None
    for kind in KINDS:
        if word.casefold() == kind:
            return kind
    raise ModelError(f"no kind of model named {word!r}{did_you_mean(word, list(KINDS))}")
