"""Our own faults: the traceback goes into a file, the user gets a sentence that says where."""

import os
import tempfile
import traceback
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import danqing
from danqing.studio.home import Home, default_home


def fault_sentence(fault: BaseException, words: Sequence[str]) -> str:
    """What to tell the user; the traceback is written to the home's logs, or beside other temporary files."""
    text = "".join(traceback.format_exception(fault))
    story = f"danqing {danqing.__version__}\n{' '.join(words)}\n\n{text}"
    where = _write(story, [Home(_home_of(words)).logs, Path(tempfile.gettempdir())])
    told = (
        f"the traceback is in {where}: please report it with that file" if where else f"please report it: {text[-300:]}"
    )
    return f"a fault of danqing's own ({_first_line(fault)}); {told}"


def _write(story: str, folders: Sequence[Path]) -> Path | None:
    stamp = datetime.now().astimezone().strftime("%Y%m%d-%H%M%S")
    for folder in folders:
        path = folder / f"danqing-fault-{stamp}-{os.getpid()}.txt"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            path.write_text(story, encoding="utf-8", errors="backslashreplace")
        except OSError:
            continue
        return path
    return None


def _first_line(fault: BaseException) -> str:
    message = str(fault).strip().partition("\n")[0][:120]
    return f"{type(fault).__name__}: {message}" if message else type(fault).__name__


def _home_of(words: Sequence[str]) -> Path:
    """The home that the command had, read off its words: by now nobody knows it better."""
    for place, word in enumerate(words):
        if word == "--home" and place + 1 < len(words):
            return Path(words[place + 1]).expanduser()
        if word.startswith("--home="):
            return Path(word.removeprefix("--home=")).expanduser()
    return default_home(os.environ)
