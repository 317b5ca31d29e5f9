"""What a long command says while it works: its own log lines on stderr."""

import logging
import sys


def talk(quiet: bool) -> None:
    """Log lines of danqing with their time, unless it is to be quiet; then only warnings."""
    logging.basicConfig(stream=sys.stderr, format="%(asctime)s %(message)s", level=logging.WARNING)
    logging.getLogger("danqing").setLevel(logging.WARNING if quiet else logging.INFO)
