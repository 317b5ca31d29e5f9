"""Chinese and Korean words of a prompt in English, word by word: checkpoints know English only. It is a glossary and no
translator."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from danqing.prompt.builder import Named, Taxonomy

HAN = "\u3400-\u9fff"
HANGUL = "\uac00-\ud7a3"
FOREIGN = re.compile(rf"[{HAN}{HANGUL}]")
TAG = re.compile(r"<\w+:[^<>]*>")
# Signs of the prompt language come in full width from Chinese and Korean keyboards.
PLAIN = str.maketrans(
    {"，": ", ", "、": ", ", "。": ". ", "（": "(", "）": ")", "：": ":", "；": "; ", "！": "! ", "？": "? ", "｜": "|"}
    | {"［": "[", "］": "]", "【": "[", "】": "]", "｛": "{", "｝": "}", "\u3000": " "}
)
SILENT = "的地得着了是在"
PARTICLES = (
    "에서는",
    "으로",
    "에서",
    "에게",
    "한테",
    "은",
    "는",
    "이",
    "가",
    "을",
    "를",
    "의",
    "에",
    "로",
    "와",
    "과",
    "도",
    "만",
    "하는",
    "한",
    "인",
)


@dataclass(frozen=True)
class Glossary:
    """Words of both languages with their English; `longest` is the length of the longest."""

    words: Mapping[str, str]
    longest: int


@dataclass(frozen=True)
class English:
    """The text in English, and the words that the glossary doesn't know, which stand in it as they were."""

    text: str
    unknown: tuple[str, ...] = ()


def glossary_of(taxonomy: Taxonomy, emoji: str = "[]") -> Glossary:
    """Words of the taxonomy, and behind them those of assets/wordlists/emoji.json."""
    tags = (tag for slot in taxonomy.slots.values() for tag in slot.tags)
    rows = [*tags, *taxonomy.colors, *taxonomy.words, *(Named(*row) for row in json.loads(emoji))]
    words: dict[str, str] = {}
    for row in rows:
        for word in (row.zh, row.ko):
            words.setdefault(word.casefold(), row.en)
    return Glossary(MappingProxyType(words), max(map(len, words), default=0))


def to_english(text: str, glossary: Glossary) -> English:
    """Every known word replaced by its English, the longest first; brackets, weights and tags stay."""
    if not FOREIGN.search(text):
        return English(text)
    pieces: list[str] = []
    unknown: dict[str, None] = {}
    at = 0
    for tag in TAG.finditer(text):
        pieces += [_words(text[at : tag.start()], glossary, unknown), tag.group()]
        at = tag.end()
    pieces.append(_words(text[at:], glossary, unknown))
    return English(re.sub(r"  +", " ", "".join(pieces)).strip(" "), tuple(unknown))


def _words(text: str, glossary: Glossary, unknown: dict[str, None]) -> str:
    text = text.translate(PLAIN)
    low = text.casefold()
    if len(low) != len(text):  # a few letters fold to two; then case must match
        low = text
    pieces: list[str] = []
    lost = ""
    at = 0
    while at < len(text):
        word = _known(low, at, glossary)
        if word or not FOREIGN.match(text[at]):
            lost = _give_up(lost, pieces, unknown)
        if word:
            _put(pieces, glossary.words[word])
            at = _behind_particle(text, at + len(word)) if re.search(f"[{HANGUL}]", word) else at + len(word)
        elif FOREIGN.match(text[at]):
            lost += "" if text[at] in SILENT and not lost else text[at]
            at += 1
        else:
            pieces.append(text[at])
            at += 1
    _give_up(lost, pieces, unknown)
    return "".join(pieces)


def _give_up(lost: str, pieces: list[str], unknown: dict[str, None]) -> str:
    """An unknown word stays as it is; nothing of it is left."""
    if word := lost.rstrip(SILENT):
        unknown[word] = None
        _put(pieces, word)
    return ""


def _known(text: str, at: int, glossary: Glossary) -> str:
    """The longest word of the glossary that stands here and has something foreign in it."""
    # A Korean word begins where a word begins: 눈 (eye) is not in 눈물.
    if re.match(f"[{HANGUL}]", text[at]) and at and re.match(f"[{HANGUL}]", text[at - 1]):
        return ""
    for length in range(min(glossary.longest, len(text) - at), 0, -1):
        word = text[at : at + length]
        if word in glossary.words and FOREIGN.search(word) and _whole(text, at + length, word):
            return word
    return ""


def _whole(text: str, end: int, word: str) -> bool:
    """Whether a Korean word ends here, perhaps with a particle; Chinese has no spaces to tell."""
    if not re.match(f"[{HANGUL}]", word[-1]):
        return True
    return not re.match(f"[{HANGUL}]", text[end : end + 1]) or _behind_particle(text, end) > end


def _behind_particle(text: str, at: int) -> int:
    for particle in PARTICLES:
        end = at + len(particle)
        if text.startswith(particle, at) and not re.match(f"[{HANGUL}]", text[end : end + 1]):
            return end
    return at


def _put(pieces: list[str], word: str) -> None:
    """A word, apart from the one before it."""
    if pieces and (pieces[-1][-1:].isalnum() or FOREIGN.match(pieces[-1][-1:] or " ")):
        pieces.append(" ")
    pieces.append(word)
