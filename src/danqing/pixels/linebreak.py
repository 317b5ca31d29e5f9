"""Text into lines: between words, between Chinese and Japanese letters, and never so that a line begins with a comma. No drawing."""

from collections.abc import Callable

Measure = Callable[[str], float]
NOT_FIRST = frozenset(
    "、。，．：；？！）〕］｝〉》」』】〗’”…‥・％‰℃°ー々ゝゞヽヾぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮヵヶ,.:;?!)]}%>~"
)
"""What may not begin a line (kinsoku; JIS X 4051, GB/T 15834, CLREQ)."""
NOT_LAST = frozenset("（〔［｛〈《「『【〖‘“([{<￥＄£$¥€#№@")
"""What may not end one."""
NOT_PARTED = frozenset("—…‥─")
"""Of these two in a row are one sign."""


def wrapped(text: str, width: float, measure: Measure) -> list[str]:
    """The text in lines of at most `width`, as full as they can be. Line ends in the text stay.

    A word that is wider than a line is broken where the line ends; nothing else is.
    """
    lines: list[str] = []
    for paragraph in text.splitlines() or [""]:
        line = ""
        for piece in pieces(paragraph):
            if measure((line + piece).rstrip()) <= width or not line:
                line += piece
            else:
                lines.append(line.rstrip())
                line = piece
            *full, line = _cut(line, width, measure)
            lines.extend(part.rstrip() for part in full)
        lines.append(line.rstrip())
    return lines


def balanced(text: str, width: float, measure: Measure) -> list[str]:
    """As many lines as `wrapped` makes, but of about one length: for titles. Narrows the lines until one more is needed."""
    best = wrapped(text, width, measure)
    count, narrow, wide = len(best), 0.0, width
    while count > 1 and wide - narrow > width / 64:
        middle = (narrow + wide) / 2
        lines = wrapped(text, middle, measure)
        if len(lines) > count or max(measure(line) for line in lines) > middle:
            narrow = middle
        else:
            best, wide = lines, middle
    return best


def pieces(text: str) -> list[str]:
    """The text cut wherever a line may end; joined they are the text again. Spaces stay at the end of their piece."""
    found = [""]
    for index, letter in enumerate(text):
        if index and _may_break(text[index - 1], letter):
            found.append("")
        found[-1] += letter
    return found


def _may_break(before: str, after: str) -> bool:
    if after.isspace() or after in NOT_FIRST or before in NOT_LAST:
        return False
    if before == after and before in NOT_PARTED:
        return False
    if before.isspace():
        return True
    if before in "-–—/" and after.isalpha():
        return True
    return _stands_alone(before) or _stands_alone(after)


def _stands_alone(letter: str) -> bool:
    """Chinese characters, kana and full-width signs; Hangul is written in words with spaces and breaks there."""
    code = ord(letter)
    return (
        0x2E80 <= code <= 0x312F  # radicals, CJK signs, kana, bopomofo
        or 0x31A0 <= code <= 0x31FF
        or 0x3400 <= code <= 0x4DBF
        or 0x4E00 <= code <= 0x9FFF
        or 0xF900 <= code <= 0xFAFF
        or 0xFF00 <= code <= 0xFF60
        or 0x20000 <= code <= 0x3FFFF
    )


def _cut(line: str, width: float, measure: Measure) -> list[str]:
    """A line in parts that fit; one letter at least goes into each."""
    parts = [""]
    if measure(line.rstrip()) <= width:
        return [line]
    for letter in line:
        if parts[-1] and measure((parts[-1] + letter).rstrip()) > width:
            parts.append("")
        parts[-1] += letter
    return parts
