"""A forgiving reading of infotexts that people copied by hand: squeezed keys, Chinese headings, lost commas, broken lines.

What A1111 itself writes is read exactly as A1111 reads it (`infotext_a1111`).
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache

from danqing.base.infotext_a1111 import (
    LEAST_FIELDS,
    NEGATIVE,
    SIZE,
    VALUE,
    fields_of_line,
    pairs,
    prompts_of_lines,
    unquote,
)
from danqing.base.infotext_keys import (
    SAMPLER_WORDS,
    SCHEDULE_WORDS,
    UPSCALER_WORDS,
    known_keys,
    squeezed,
)

LONGEST_MENDED = 20_000
"""Letters of a parameter block that is mended; longer ones are read as A1111 reads them."""
ALIASES = {
    "cfg": "CFG scale",
    "guidancescale": "CFG scale",
    "samplingsteps": "Steps",
    "samplingmethod": "Sampler",
    "samplername": "Sampler",
    "scheduler": "Schedule type",
    "scheduletype": "Schedule type",
    "denoise": "Denoising strength",
    "denoising": "Denoising strength",
    "checkpoint": "Model",
    "skipearlycfg": "Guidance start",
    "cfgrescaleφ": "CFG Rescale phi",
    "cfgrescale": "CFG Rescale phi",
    "subseed": "Variation seed",
    "subseedstrength": "Variation seed strength",
    "variationstrength": "Variation seed strength",
    "etanoiseseeddelta": "ENSD",
    "hiresscale": "Hires upscale",
    "upscaler": "Hires upscaler",
}
"""Other words for the same key, squeezed."""
BOUNDARY = r"(?:(?<![^\s,;])|^)"
STEPS_LINE = re.compile(r"^\W{0,3}s\s?t\s?e\s?p\s?s\s?:\s?(?:\d|$)", re.IGNORECASE)
STEPS_INLINE = re.compile(r"(?<!\w)steps\s?:\s?\d{1,6}\s?,\s?(?=\w)", re.IGNORECASE)
NEGATIVE_LABEL = re.compile(r"^[\s\W]{0,4}negative\s?prompts?\s?[:：]\s?", re.IGNORECASE)
PARAMETER_HEADING = re.compile(
    r"^[\W_]{0,6}(?:生成|绘图|图片|出图)?(?:参数|參數|parameters?)(?:设置|設置)?[\W_]{0,6}$", re.IGNORECASE
)
TAIL = r"(?:[\s*#]*[（(\[【][^）)\]】\n]{0,40}[）)\]】])?[\s】」』\])）*#]*[:：]?[\s*]*(?P<rest>.*)$"
NOUN = (
    r"(?:的|性)?\s?(?:提示词组|提示词|提示詞|提示语|提示|关键词|關鍵詞|关键字|词条|词组|词|詞|标签|標籤|咒语|咒語|描述|内容|内容|東西|东西|元素|"
    r"prompts?|tags?|プロンプト|프롬프트)"
)
NEGATIVE_HEADING = re.compile(
    r"^[\W_]{0,8}(?:负面|負面|负向|負向|反向|反面|逆向|否定|消极|排除|不想要|不希望(?:出现)?|不要(?:出现)?|屏蔽|负|反|ネガティブ|네거티브|부정)"
    + NOUN
    + TAIL
    + r"|^[\W_]{0,8}(?:ネガティブ|네거티브)[\W_]{0,8}$(?P<none>)",
    re.IGNORECASE,
)
POSITIVE_HEADING = re.compile(
    r"^[\W_]{0,8}(?:正面|正向|正|积极|ポジティブ|긍정)?"
    r"(?:的|性)?\s?(?:提示词组|提示词|提示詞|提示语|关键词|關鍵詞|关键字|咒语|咒語|标签|標籤|プロンプト|프롬프트)"
    r"(?:[\s*#]*[（(\[【][^）)\]】\n]{0,40}[）)\]】])?[\s】」』\])）*#]*(?:[:：][\s*]*(?P<rest>.*)|)$",
    re.IGNORECASE,
)

NUMBER = re.compile(r"^[-+]?\d+(?:\.\d*)?$")
HASH = re.compile(r"^[0-9a-fA-F]{6,64}$")
NAME_KEYS = ("Model", "VAE", "Hires checkpoint", "Refiner")
WORD_KEYS = ("Sampler", "Schedule type", "Hires sampler", "Hires schedule type", "Hires upscaler")


@dataclass(frozen=True)
class FoundFields:
    """Fields by A1111's key, `Prompt` and `Negative prompt` among them, and what was left aside, as sentences."""

    fields: Mapping[str, str]
    notes: tuple[str, ...] = ()
    has_parameters: bool = field(default=False)


def find_fields(text: str) -> FoundFields:
    """The fields in an infotext, however it was copied."""
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").strip().split("\n")
    start = _block_start(lines)
    if start is None:
        return _find_inline(lines)
    exact = _exact_block(lines[start:])
    if exact is not None:
        found, notes = exact, ()
    else:
        found, notes = _mended_block("\n".join(lines[start:]))
    prompts = _prompts(lines[:start], written_by_machine="Version" in found)
    return FoundFields({**found, **prompts}, notes, has_parameters=True)


def canonical_key(key: str) -> str:
    """A1111's spelling of a key, or the key as it stands when nobody knows it."""
    word = squeezed(key)
    return _by_squeezed().get(word) or ALIASES.get(word) or key.strip()


def mend_word(text: str, words: tuple[str, ...]) -> str:
    """The word of a menu that is meant when only spaces, underscores and capitals differ; else the text as it is."""
    wanted = squeezed(text)
    return next((word for word in words if squeezed(word) == wanted), text.strip())


@cache
def _by_squeezed() -> dict[str, str]:
    return {squeezed(key): key for key in known_keys()}


@cache
def _known_key() -> re.Pattern[str]:
    """A known key with its colon, letters perhaps apart by a space or a line break; longer keys first."""
    words = {squeezed(key) for key in (*known_keys(), *ALIASES)} - {
        "model",
        "cfg",
        "scheduler",
        "upscaler",
        "denoise",
        "checkpoint",
    }
    ordered = [*sorted(words, key=len, reverse=True), "model", "scheduler", "upscaler", "denoise", "checkpoint", "cfg"]
    letters = (r"\s{0,2}".join(re.escape(letter) for letter in word) for word in ordered)
    return re.compile(BOUNDARY + rf"(?P<key>(?:{'|'.join(letters)})(?:\s?\d{{1,2}})?)\s{{0,2}}:", re.IGNORECASE)


@cache
def _any_key() -> re.Pattern[str]:
    """A known key anywhere, or any key behind a comma."""
    return re.compile(
        _known_key().pattern + r"|(?:^|(?<=[,\n]))\s{0,3}(?P<other>[^\W\d_][\w \-/]{1,50}):", re.IGNORECASE
    )


def _known_count(text: str) -> int:
    return len({squeezed(match["key"]) for match in _known_key().finditer(text[:LONGEST_MENDED])})


def _plain_signs(text: str) -> str:
    """Full-width colons and commas as the narrow ones, but not inside quotes."""
    # A quote that never ends reaches to the end of the text: looking for other ends would be quadratic.
    parts = re.split(r'("(?:\\.|[^"\\])*(?:"|\\?$))', text[:LONGEST_MENDED])
    return "".join(
        part if part.startswith('"') else part.replace("：", ":").replace("，", ",").replace("；", ",")
        for part in parts
    )


def _block_start(lines: list[str]) -> int | None:
    """The line where parameters begin: the last one that starts with `Steps:`, or the last lines that hold three keys."""
    for index in range(len(lines) - 1, -1, -1):
        if STEPS_LINE.match(_plain_signs(lines[index][:40])):
            if _known_count(_plain_signs("\n".join(lines[index:]))) < LEAST_FIELDS:
                return None
            return _earlier_lines(lines, index)
    return _block_without_steps(lines)


def _earlier_lines(lines: list[str], start: int) -> int:
    """Takes in lines of parameters just above, which only a hand puts there: programs write Steps first and Sampler on its line."""
    if re.search(r"sampler\s?[:：]", "\n".join(lines[start:])[:LONGEST_MENDED], re.IGNORECASE):
        return start
    while start > 0 and (match := _known_key().match(_plain_signs(lines[start - 1][:200]))) and match.start() == 0:
        start -= 1
    return start


def _block_without_steps(lines: list[str]) -> int | None:
    start = len(lines)
    while start > 0 and len(lines) - start < 40:
        line = _plain_signs(lines[start - 1][:2000])
        if line.strip() and not _known_key().match(line.lstrip()):
            break
        start -= 1
    block = _plain_signs("\n".join(lines[start:]))
    return start if start < len(lines) and _known_count(block) >= LEAST_FIELDS else None


def _exact_block(lines: list[str]) -> dict[str, str] | None:
    """The block as A1111 reads it when it is one line in order; None when it needs mending."""
    if len(lines) != 1:
        return None
    line = lines[0].strip()
    found = fields_of_line(line)
    if sum(1 for _ in pairs(line)) < LEAST_FIELDS:
        return None
    if len(line) <= LONGEST_MENDED and any(_lost_comma(value) for _, value in pairs(line)):
        return None
    return {_canonical_sized(key): value for key, value in found.items()}


def _lost_comma(value: str) -> bool:
    return (
        not value.startswith('"')
        and (":" in value or "：" in value)
        and _known_key().search(_plain_signs(value)) is not None
    )


def _canonical_sized(key: str) -> str:
    """The key's proper spelling; `Size-1` keeps its number."""
    for ending in ("-1", "-2"):
        if key.endswith(ending):
            return canonical_key(key.removesuffix(ending)) + ending
    return canonical_key(key)


def _mended_block(block: str) -> tuple[dict[str, str], tuple[str, ...]]:
    """Fields of a block with lost commas and broken lines, and notes about words that fitted nowhere."""
    found: dict[str, str] = {}
    notes: list[str] = []
    for key, raw in _mended_pairs(_plain_signs(block[:LONGEST_MENDED])):
        value, rest = _mended_value(key, raw)
        if rest:
            notes.append(f"{rest[:80]!r} behind {key} was left aside")
        size = SIZE.match(value)
        if size:
            found[f"{key}-1"], found[f"{key}-2"] = size.groups()
        elif value:
            found[key] = value
    if len(block) > LONGEST_MENDED:
        notes.append(f"parameters behind the first {LONGEST_MENDED} letters were left aside")
    return found, tuple(notes)


def _mended_pairs(block: str) -> Iterator[tuple[str, str]]:
    match = _any_key().search(block)
    while match is not None:
        key = canonical_key((match["key"] or match["other"]).strip())
        quoted = VALUE.match(block, match.end())
        if quoted is not None and quoted[1].startswith('"') and len(quoted[1]) > 1:
            following = _any_key().search(block, quoted.end())
            yield key, quoted[1]
        else:
            following = _any_key().search(block, match.end())
            yield key, block[match.end() : following.start() if following else len(block)]
        match = following


def _mended_value(key: str, raw: str) -> tuple[str, str]:
    """(value, what stood behind it and does not belong to it)."""
    text = raw.strip()
    if text.startswith('"') and text.endswith('"') and len(text) > 1:
        return unquote(text), ""
    value, _, rest = text.partition(",")
    parts = [part.strip() for part in value.split("\n") if part.strip()]
    rest = rest.strip(" ,\n")
    if not parts:
        return "", rest
    taken = parts[0]
    for index, part in enumerate(parts[1:], start=1):
        joined = _joined(key, taken, part)
        if joined is None:
            return taken, " ".join([*parts[index:], rest]).strip()
        taken = joined
    return taken, rest


def _joined(key: str, first: str, second: str) -> str | None:
    """Two halves of a value that a line break parted, or None when the second half is none."""
    close, apart = first + second, f"{first} {second}"
    if key.endswith("hash"):
        return close if HASH.match(close) else None
    if key in NAME_KEYS:
        return close if " " not in second else None
    if key in WORD_KEYS:
        words = (*SAMPLER_WORDS, *SCHEDULE_WORDS, *UPSCALER_WORDS)
        known = any(squeezed(close).startswith(squeezed(word)) and len(close) <= len(word) + 16 for word in words)
        return apart if known else None
    if NUMBER.match(first) or SIZE.match(first) or NUMBER.match(first.rstrip(".x")):
        return close if NUMBER.match(close) or SIZE.match(close) else None
    return close if first.endswith(("-", "_")) else apart


def _find_inline(lines: list[str]) -> FoundFields:
    """A text whose line breaks were lost, or one that is only a prompt."""
    text = "\n".join(lines)
    at = None
    for match in STEPS_INLINE.finditer(text):
        at = match.start()
    if at is None or _known_count(text[at:]) < LEAST_FIELDS:
        return FoundFields(_prompts(lines, written_by_machine=False))
    found, notes = _mended_block(text[at:])
    return FoundFields({**found, **_prompts(text[:at].rstrip(" ,").split("\n"), written_by_machine=False)}, notes, True)


def _prompts(lines: list[str], *, written_by_machine: bool) -> dict[str, str]:
    """Prompt and negative prompt. Other labels than A1111's are looked for only in texts that no program wrote."""
    if not written_by_machine:
        lines = _with_labels(lines)
    return {name: text.strip() for name, text in prompts_of_lines(lines).items()}


def _with_labels(lines: list[str]) -> list[str]:
    """The lines with A1111's label where a heading in another language, or none at all at the line's start, stood for it."""
    while lines and (not lines[-1].strip() or PARAMETER_HEADING.match(lines[-1][:60])):
        lines = lines[:-1]
    if not any(NEGATIVE_LABEL.match(line[:60]) for line in lines):
        lines = _with_heading(lines)
    labelled = [
        NEGATIVE + NEGATIVE_LABEL.sub("", line, count=1) if NEGATIVE_LABEL.match(line[:60]) else line for line in lines
    ]
    if not any(line.startswith(NEGATIVE) for line in labelled):
        labelled = [piece for line in labelled for piece in _split_inline(line)]
    first = next((index for index, line in enumerate(labelled) if line.strip()), None)
    heading = None if first is None else POSITIVE_HEADING.match(labelled[first][:2000])
    if first is not None and heading is not None:
        labelled[first] = (heading["rest"] or "") + labelled[first][2000:]
    return labelled


def _with_heading(lines: list[str]) -> list[str]:
    for index, line in enumerate(lines):
        heading = NEGATIVE_HEADING.match(line[:2000])
        if heading:
            return [*lines[:index], f"{NEGATIVE} {heading['rest'] or ''}{line[2000:]}", *lines[index + 1 :]]
    return lines


def _split_inline(line: str) -> list[str]:
    head, label, tail = line.partition(NEGATIVE)
    return [head, label + tail] if label else [line]
