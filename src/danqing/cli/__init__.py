"""The command line: words in, words out. Each command is one small module that is loaded only when it is called."""

import os
import sys
from collections.abc import Sequence

from danqing.cli.environment import DOOR_VARIABLES


def main(words: Sequence[str] | None = None) -> int:
    """Runs one command. 0: done, 1: our own fault (or a replay that differs), 2: can't be done, 130: stopped."""
    for name, value in DOOR_VARIABLES.items():
        os.environ.setdefault(name, value)
    from danqing.cli.door import run

    return run(sys.argv[1:] if words is None else words)
