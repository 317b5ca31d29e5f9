"""Between the user's words and a command: whatever goes wrong becomes one sentence and an exit code."""

import contextlib
import json
import os
import sys
from collections.abc import Sequence
from typing import TextIO

import typer

from danqing.base.errors import DanqingError
from danqing.cli.app import app_for
from danqing.cli.leaving import Left

DONE, FAULT, REFUSED, STOPPED = 0, 1, 2, 130


def run(words: Sequence[str]) -> int:
    """Runs the command that the words name. Returns the exit code; nothing is raised."""
    for stream in (sys.stdout, sys.stderr):
        _take_any_character(stream)
    try:
        return _dispatch(list(words))
    except DanqingError as problem:
        return _refuse(words, str(problem), type(problem).__name__)
    except typer.TyperException as usage:
        return _refuse(words, _usage_sentence(usage, words), "UsageError")
    except Left as left:
        return _leave(words, left)
    except (KeyboardInterrupt, typer.Abort):
        return _leave(words, Left(STOPPED, "stopped; nothing is left half-written"))
    except MemoryError:
        return _refuse(
            words, "the memory of this machine doesn't suffice; paint smaller or fewer at once", "HardwareError"
        )
    except BrokenPipeError:
        # The reader of our output went away, as `head` does; a second complaint at exit would help nobody.
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAULT
    except Exception as fault:  # noqa: BLE001 - the outermost door: never a raw traceback
        from danqing.cli.faults import fault_sentence

        sentence = fault_sentence(fault, words)
        _say(words, sentence, {"error": sentence, "kind": type(fault).__name__})
        return FAULT


def _dispatch(words: list[str]) -> int:
    command = typer.main.get_command(app_for(words))
    result: object = command.main(args=words, prog_name="danqing", standalone_mode=False)
    if result == STOPPED:  # how typer hands on a Ctrl-C
        raise KeyboardInterrupt
    return result if isinstance(result, int) else DONE


def _refuse(words: Sequence[str], sentence: str, kind: str) -> int:
    _say(words, sentence, {"error": sentence, "kind": kind})
    return REFUSED


def _leave(words: Sequence[str], left: Left) -> int:
    sentence = str(left)
    _say(words, sentence, left.data or {"error": sentence, "kind": "Stopped"})
    return left.code


def _say(words: Sequence[str], sentence: str, data: dict[str, object]) -> None:
    if "--json" in words:
        print(json.dumps(data, ensure_ascii=False, indent=2))
    elif sentence:
        print(f"danqing: {sentence}", file=sys.stderr)


def _usage_sentence(usage: typer.TyperException, words: Sequence[str]) -> str:
    """Typer's complaint as one line, with the place to look."""
    complaint = " ".join(usage.format_message().split()).rstrip(".")
    command = next((word for word in words if not word.startswith("-")), "")
    called = f"danqing {command}".strip() if not complaint.startswith("No such command") else "danqing"
    joint = "" if complaint.endswith("?") else ";"
    return f"{complaint[:1].lower()}{complaint[1:]}{joint} see {called} --help"


def _take_any_character(stream: TextIO) -> None:
    """A prompt or a path may hold what the terminal can't show: shown as an escape, not as a fault."""
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="backslashreplace")
