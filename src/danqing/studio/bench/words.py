"""What the bench is told and how it talks."""

import argparse
import sys
from collections.abc import Callable
from typing import NoReturn

from danqing.base.errors import DanqingError

Say = Callable[[str], object]


def aloud(text: str) -> None:
    """Onto stdout, whichever that is by then."""
    sys.stdout.write(text)


def beside(text: str) -> None:
    """Onto stderr, whichever that is by then."""
    sys.stderr.write(text)


class Words(argparse.ArgumentParser):
    """A parser that complains as the rest of danqing does."""

    def error(self, message: str) -> NoReturn:
        raise DanqingError(f"{message}; see {self.prog} --help")
