"""Sheets: pictures in a grid with legends above and beside them, as X/Y/Z plots and comparisons show them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from danqing.base.errors import ImageError
from danqing.base.picture import Pixels

Cell = Pixels | str | None
"""A picture; a sentence where painting it failed; nothing."""

MOST_PIXELS = 200_000_000
"""A1111's own limit for a grid."""
FACES = (
    "NotoSansCJK-Regular.ttc",
    "NotoSansCJKsc-Regular.otf",
    "NotoSansSC-Regular.otf",
    "SourceHanSansSC-Regular.otf",
    "msyh.ttc",
    "PingFang.ttc",
    "Hiragino Sans GB.ttc",
    "AppleSDGothicNeo.ttc",
    "malgun.ttf",
    "simhei.ttf",
    "wqy-microhei.ttc",
    "wqy-zenhei.ttc",
    "DroidSansFallbackFull.ttf",
    "DroidSansFallback.ttf",
    "NanumGothic.ttf",
    "Arial Unicode.ttf",
    "DejaVuSans.ttf",
)
"""Fonts with Chinese, Japanese and Korean letters on Linux, Windows and macOS, the last with other alphabets at least."""
INK, PAPER, FAILED = (24, 24, 24), (255, 255, 255), (232, 226, 220)

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


@dataclass(frozen=True)
class Legends:
    """Words around a sheet: one over each column, one beside each row, one above all."""

    columns: Sequence[str] = ()
    rows: Sequence[str] = ()
    title: str = ""


@dataclass(frozen=True)
class _Layout:
    """Measures of a sheet in pixels. `left` and `top` are where the first cell begins."""

    columns: int
    rows: int
    cell: tuple[int, int]
    gap: int
    left: int
    top: int

    @property
    def size(self) -> tuple[int, int]:
        width = self.left + self.columns * self.cell[0] + (self.columns - 1) * self.gap
        height = self.top + self.rows * self.cell[1] + (self.rows - 1) * self.gap
        return width, height

    def corner(self, index: int) -> tuple[int, int]:
        row, column = divmod(index, self.columns)
        return self.left + column * (self.cell[0] + self.gap), self.top + row * (self.cell[1] + self.gap)


def grid_shape(count: int) -> tuple[int, int]:
    """(rows, columns) for so many pictures, as near to a square as A1111 goes: 5 become 2 rows of 3."""
    rows = max(1, round(math.sqrt(count)))
    return rows, math.ceil(count / rows)


def sheet(
    cells: Sequence[Cell],
    *,
    columns: int = 0,
    legends: Legends | None = None,
    gap: int = 0,
    cell: tuple[int, int] = (0, 0),
) -> Pixels:
    """The cells row by row on one white picture, (H, W, 3) uint8; each keeps its size in the middle of its place.

    `columns` 0 takes the shape nearest to a square; `cell` is the least (width, height) of a place, where no picture says it.
    Raises ImageError for a sheet above 200 megapixels or of nothing.
    """
    if not cells:
        raise ImageError("a sheet needs at least one picture")
    legends = legends or Legends()
    columns = columns or (len(legends.columns) or grid_shape(len(cells))[1])
    pictures = [one for one in cells if isinstance(one, np.ndarray)]
    width = max([cell[0], *(picture.shape[1] for picture in pictures)]) or 256
    height = max([cell[1], *(picture.shape[0] for picture in pictures)]) or 256
    rows = math.ceil(len(cells) / columns)
    _refuse_giants(columns * (width + gap), rows * (height + gap))
    letters = max(12, min(width, height) // 16)
    layout = _laid_out(legends, (columns, rows), (width, height), gap, letters)
    _refuse_giants(*layout.size)
    page = Image.new("RGB", layout.size, PAPER)
    for index, one in enumerate(cells):
        _place(page, layout, index, one)
    _write_legends(page, layout, legends, letters)
    return np.array(page, dtype=np.uint8)


def _refuse_giants(width: int, height: int) -> None:
    if width * height > MOST_PIXELS:
        raise ImageError(
            f"a sheet of {width}x{height} pixels is too large; {MOST_PIXELS:,} are possible: fewer or smaller pictures"
        )


def _laid_out(legends: Legends, shape: tuple[int, int], cell: tuple[int, int], gap: int, letters: int) -> _Layout:
    margin = letters // 2
    left = top = 0
    if any(legends.rows):
        widest = max(_extent(_wrapped(text, letters, cell[0]), letters)[0] for text in legends.rows)
        left = widest + 2 * margin
    if legends.title:
        top += _extent(legends.title, letters)[1] + 2 * margin
    if any(legends.columns):
        top += max(_extent(_wrapped(text, letters, cell[0]), letters)[1] for text in legends.columns) + 2 * margin
    return _Layout(shape[0], shape[1], cell, gap, left, top)


def _place(page: Image.Image, layout: _Layout, index: int, cell: Cell) -> None:
    x, y = layout.corner(index)
    width, height = layout.cell
    if isinstance(cell, np.ndarray):
        image = Image.fromarray(np.ascontiguousarray(cell))
        corner = x + (width - image.width) // 2, y + (height - image.height) // 2
        page.paste(image.convert("RGB"), corner, image.getchannel("A") if image.mode == "RGBA" else None)
    elif cell is not None:
        letters = max(9, min(width, height) // 18)
        page.paste(FAILED, (x, y, x + width, y + height))
        _write(page, _wrapped(cell, letters, width - letters), (x + width // 2, y + height // 2), letters, "mm")


def _write_legends(page: Image.Image, layout: _Layout, legends: Legends, letters: int) -> None:
    margin, width, height = letters // 2, *layout.cell
    if legends.title:
        _write(page, legends.title, (page.width // 2, margin), letters, "ma")
    for index, text in enumerate(legends.columns[: layout.columns]):
        x, y = layout.corner(index)
        _write(page, _wrapped(text, letters, width), (x + width // 2, y - margin), letters, "md")
    for index, text in enumerate(legends.rows[: layout.rows]):
        _, y = layout.corner(index * layout.columns)
        _write(page, _wrapped(text, letters, width), (layout.left - margin, y + height // 2), letters, "rm")


def _write(page: Image.Image, text: str, at: tuple[int, int], letters: int, anchor: str) -> None:
    """Lines of text; Pillow's anchors only place single lines, so several are stacked here."""
    font = font_for(text, letters)
    lines, step = text.split("\n"), round(letters * 1.25)
    first = at[1] - {"a": 0, "m": step * (len(lines) - 1) // 2, "d": step * (len(lines) - 1)}[anchor[1]]
    draw = ImageDraw.Draw(page)
    for index, line in enumerate(lines):
        draw.text((at[0], first + index * step), line, fill=INK, font=font, anchor=anchor)


def _extent(text: str, letters: int) -> tuple[int, int]:
    """(width, height) of lines of text."""
    font, lines = font_for(text, letters), text.split("\n")
    return math.ceil(max(font.getlength(line) for line in lines)), round(letters * 1.25) * len(lines)


def _wrapped(text: str, letters: int, width: int) -> str:
    """The text in lines no wider than `width`, broken between words, or within one where it is too long; twelve at most."""
    font, lines = font_for(text, letters), [""]
    for word in text.replace("\n", " ").split(" ")[:400]:
        joined = f"{lines[-1]} {word}".strip()
        if font.getlength(joined) <= width:
            lines[-1] = joined
            continue
        kept = [line for line in lines if line]
        lines = [*kept, *_pieces(word, font, width)]
    shown = lines[:12]
    return "\n".join([*shown[:-1], shown[-1] + "..."] if len(lines) > 12 else shown)


def _pieces(word: str, font: Font, width: int) -> list[str]:
    """A word in pieces that fit; Chinese has no spaces, file names neither."""
    pieces = [""]
    for letter in word[:400]:
        if pieces[-1] and font.getlength(pieces[-1] + letter) > width:
            pieces.append("")
        pieces[-1] += letter
    return pieces


def font_for(text: str, letters: int) -> Font:
    """A font of so many pixels that has the text's letters: Pillow's own for Latin, else the first found on this machine."""
    return _latin(letters) if all(letter < "\u0250" for letter in text) else _wide(letters)


@cache
def _latin(letters: int) -> Font:
    return ImageFont.load_default(letters)


@cache
def _wide(letters: int) -> Font:
    for face in FACES:
        try:
            return ImageFont.truetype(face, letters)
        except OSError:
            continue
    return _latin(letters)
