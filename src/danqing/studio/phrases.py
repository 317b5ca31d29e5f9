"""The words that a home folder keeps: styles.csv, and the wildcards below wildcards/. Read anew for every order, so that an edit counts at once."""

from pathlib import Path

from danqing.base.errors import PromptError
from danqing.painting.expand import Phrases
from danqing.prompt.styles import Style, read_styles
from danqing.prompt.wildcards import Wildcards, wildcards_of
from danqing.studio.home import Home

WILDCARD_FILES = (".txt", ".json", ".yaml", ".yml")
MOST_BYTES = 32_000_000
"""Of one file; the largest collections that people share have a tenth of it."""


def read_phrases(home: Home) -> Phrases:
    """Styles and wildcards of a home; none where there are no files. Raises PromptError for a file that can't be understood."""
    return Phrases(_styles(home.styles_file), _wildcards(home.wildcards))


def _styles(file: Path) -> dict[str, Style]:
    return read_styles(_text(file)) if file.is_file() else {}


def _wildcards(folder: Path) -> Wildcards:
    if not folder.is_dir():
        return Wildcards()
    files = sorted(file for file in folder.rglob("*") if file.suffix.lower() in WILDCARD_FILES and file.is_file())
    return wildcards_of({file.relative_to(folder).as_posix(): _text(file) for file in files})


def _text(file: Path) -> str:
    try:
        if file.stat().st_size > MOST_BYTES:
            raise PromptError(f"{file} is larger than {MOST_BYTES // 1_000_000} MB; split it")
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as problem:
        raise PromptError(f"{file} is not UTF-8 text; save it as UTF-8") from problem
    except OSError as problem:
        raise PromptError(f"{file} can't be read ({problem.strerror})") from problem
