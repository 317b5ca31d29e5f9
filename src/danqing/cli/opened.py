"""A home's queue and library, opened for one command; a server may work in the same home meanwhile."""

import contextlib
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING

from danqing.cli.options import note

if TYPE_CHECKING:
    from danqing.studio.service import Service


@contextlib.contextmanager
def opened(home: Path | None) -> Generator["Service"]:
    """The service, not started: no worker, no lock. Sentences about settings that could not be used go to stderr."""
    from danqing.studio.service import Service

    service = Service(home)
    for sentence in service.studio.notes:
        note(sentence)
    try:
        yield service
    finally:
        service.stop()
