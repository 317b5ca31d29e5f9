"""Fonts for text that is set: three that come with danqing, any file of the user's, and one of the machine's for other scripts."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType

from PIL import Image, ImageDraw, ImageFont

from danqing.base.errors import ImageError
from danqing.base.table import did_you_mean
from danqing.pixels.sheet import FACES

BUNDLED = MappingProxyType(
    {"display": "FjallaOne-Regular.ttf", "serif": "Caladea-Bold.ttf", "text": "Manrope-Medium.ttf"}
)
"""Narrow for titles, with serifs for titles, and for reading; all three for Latin."""
NEVER = "\U0010fffe"
"""A code that is no letter: fonts draw their box for what they don't have."""


@dataclass(frozen=True)
class Typeface:
    """A font and those that stand in where it has no letter, first to last. Paths, or names that the machine knows."""

    files: tuple[str, ...]

    def font(self, letter: str, size: int) -> ImageFont.FreeTypeFont:
        """The first font that has the letter. Raises ImageError where none has."""
        for file in self.files:
            if _has(file, letter):
                return _loaded(file, size)
        raise ImageError(
            f"no font here has {letter!r} (U+{ord(letter):04X}); install one that does, for Chinese, Japanese and Korean "
            "Noto Sans CJK (Debian: fonts-noto-cjk), or name a font file"
        )

    def runs(self, text: str, size: int) -> list[tuple[str, ImageFont.FreeTypeFont]]:
        """The text in stretches of one font each."""
        found: list[tuple[str, ImageFont.FreeTypeFont]] = []
        for letter in text:
            # Spaces are the same in all fonts, near enough; they go with what is before them.
            font = found[-1][1] if found and letter.isspace() else self.font(letter, size)
            if found and found[-1][1] is font:
                found[-1] = (found[-1][0] + letter, font)
            else:
                found.append((letter, font))
        return found

    def length(self, text: str, size: int, tracking: float = 0.0) -> float:
        """How long a line is, in pixels; `tracking` is what is added after each letter, in shares of the size."""
        drawn = sum(font.getlength(part) for part, font in self.runs(text, size))
        return drawn + tracking * size * max(0, len(text) - 1)


def typeface(name: str, more: Sequence[str] = ()) -> Typeface:
    """A typeface by its name ("display", "serif", "text") or a font file of one's own, with what stands in for it.

    `more` are further font files, asked before those that the machine has. Raises ImageError.
    """
    if name in BUNDLED:
        first = str(files("danqing").joinpath("assets", "fonts", BUNDLED[name]))
    elif Path(name).suffix.lower() in (".ttf", ".otf", ".ttc"):
        first = name
    else:
        raise ImageError(f"no typeface named {name!r}{did_you_mean(name, list(BUNDLED))}; a font file is possible too")
    for file in (first, *more):
        if not _opens(file):
            raise ImageError(f"{Path(file).name} can't be read as a font; .ttf, .otf and .ttc are possible")
    return Typeface((first, *more, *_of_the_machine()))


@cache
def _of_the_machine() -> tuple[str, ...]:
    """The fonts for other scripts that are found here, Chinese ones before the rest."""
    return tuple(face for face in FACES if _opens(face))


@cache
def _opens(file: str) -> bool:
    try:
        ImageFont.truetype(file, 16)
    except (OSError, ValueError):
        return False
    return True


@cache
def _loaded(file: str, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(file, size, layout_engine=ImageFont.Layout.BASIC)


@cache
def _has(file: str, letter: str) -> bool:
    if letter.isspace():
        return True
    return _shape(file, letter) != _shape(file, NEVER)


def _shape(file: str, letter: str) -> bytes:
    """What the font draws for a letter."""
    image = Image.new("L", (64, 64))
    ImageDraw.Draw(image).text((8, 44), letter, fill=255, font=_loaded(file, 24), anchor="ls")
    return image.tobytes()
