"""What will surprise whoever wrote this prompt: weights that break pictures, brackets that do something else, names
nobody has. It changes nothing; command line, page and API show the same findings."""

import difflib
import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from danqing.base.errors import PromptError
from danqing.base.table import did_you_mean
from danqing.prompt.attention import number
from danqing.prompt.chunks import Words as VocabularyLike
from danqing.prompt.chunks import embedding_name
from danqing.prompt.composition import WEIGHT, and_parts
from danqing.prompt.grammar import Prompt, parse
from danqing.prompt.reading import Dialect, ReadingOptions, read_prompt
from danqing.prompt.schedule import Moments, read_timeline
from danqing.prompt.tags import TAG, extract_tags

STRONGEST = 1.3
ROOM = 75
A1111_LIKE: tuple[Dialect, ...] = ("danqing", "a1111")
SWITCH_ONLY = re.compile(r"\[([^\[\]:|]+):\s*([+-]?[0-9]*\.[0-9]+)\s*\]")
FULL_WIDTH = {
    "，": ",",
    "（": "(",
    "）": ")",
    "：": ":",
    "［": "[",
    "］": "]",
    "｛": "{",
    "｝": "}",
    "｜": "|",
    "、": ",",
    "。": ".",
}
GROUP = re.compile(r"\[[^\[\]]*\]")
BRACKETS = re.compile(r"\\.|[()\[\]{}]", re.DOTALL)
LEAST_NAME, MOST_PAIRS = 6, 50_000
WORD = re.compile(r"(?<![\w:<-])\w[\w-]{5,60}(?![\w:-])")
SECOND_NETWORK = ("lora", "lyco", "hypernet")


Severity = Literal["error", "warning", "hint"]
ERRORS = ("unreadable", "unknown-network", "unknown-embedding")
HINTS = ("long", "repeated", "comfy-embedding", "near-embedding", "bare-weight")


@dataclass(frozen=True)
class Finding:
    """One thing to know. `start` and `end` are its place in the text; `remedy` is what to write instead, where there is
    such a thing."""

    code: str
    message: str
    start: int = 0
    end: int = 0
    remedy: str = ""

    @property
    def severity(self) -> Severity:
        """An error can't be painted as meant, a warning is a trap, a hint may be meant so."""
        return "error" if self.code in ERRORS else "hint" if self.code in HINTS else "warning"


@dataclass(frozen=True)
class LintOptions:
    """What is known while looking. None for names means: not known, so nothing is said about them."""

    dialect: Dialect = "danqing"
    negative: bool = False
    steps: int = 20
    loras: Collection[str] | None = None
    hypernets: Collection[str] | None = None
    embeddings: Mapping[str, int] | None = None
    vocabulary: VocabularyLike | None = None
    exclusive: Sequence[Collection[str]] = ()
    """Groups of tags of which a picture can have one."""


def lint(text: str, options: LintOptions = LintOptions()) -> tuple[Finding, ...]:
    """Findings in the order of their places. Any text may be looked at; one that can't be read is a finding itself."""
    found: list[Finding] = []
    try:
        prompt = parse(text, options.dialect)
        for rule in RULES:
            found += rule(text, prompt, options)
    except PromptError as trouble:
        found.append(Finding("unreadable", str(trouble), 0, len(text)))
    return tuple(sorted(found, key=lambda finding: finding.start))


def read_contradictions(text: str) -> tuple[tuple[str, ...], ...]:
    """The groups in assets/wordlists/contradictions.json."""
    return tuple(tuple(group) for group in json.loads(text)["exclude_each_other"])


def _strong_weights(text: str, prompt: Prompt, options: LintOptions) -> Iterator[Finding]:
    for words in prompt.words():
        # Midjourney's weights are shares of a whole, so that none is too strong by itself.
        if words.weight > STRONGEST + 1e-9 and words.text.strip() and options.dialect != "midjourney":
            start, end = _place(text, words.text.strip())
            yield Finding(
                "strong-weight",
                f"{_short(words.text)} weighs {words.weight:.3g}; above {STRONGEST} pictures tend to break",
                start,
                end,
                f"({words.text.strip()}:{STRONGEST})" if options.dialect in A1111_LIKE else "",
            )


def _square_weights(text: str, prompt: Prompt, options: LintOptions) -> Iterator[Finding]:
    """`[xxx:1.4]` is taken for a weight and is prompt editing: the words come in late, or never."""
    if options.dialect not in A1111_LIKE:
        return
    for found in SWITCH_ONLY.finditer(text):
        share = number(found.group(2))
        if share is None or share < 1:
            continue
        words = found.group(1).strip()
        yield Finding(
            "square-weight",
            f"[{_short(words, quoted=False)}:{found.group(2)}] is no weight: it adds the words after "
            f"{share:.0%} of the steps, so they are missing from the whole picture",
            found.start(),
            found.end(),
            f"({words}:{1 / share:.2f})",
        )


def _bare_weight(text: str, prompt: Prompt, options: LintOptions) -> Iterator[Finding]:
    if options.dialect in A1111_LIKE and not options.negative and len(and_parts(text)) == 1:
        found = WEIGHT.search(text.rstrip())
        if found:
            yield Finding(
                "bare-weight",
                f"the {found.group()} at the end weighs the whole prompt; for the last words alone write "
                f"(words{found.group()})",
                found.start(),
                found.end(),
            )


def _switches(text: str, prompt: Prompt, options: LintOptions) -> Iterator[Finding]:
    if options.dialect not in A1111_LIKE or "[" not in text:
        return
    variants = options.dialect == "danqing" and "{" in text
    timed = any(":" in found.group() or "|" in found.group() for found in GROUP.finditer(text))
    if not variants and timed and "|" in text:
        tree = read_timeline(extract_tags(text)[0])
        if all(isinstance(item, str) for item in tree.items):
            why = "a | outside [a|b] makes all [ ] of this prompt plain text; write \\| for the sign"
            yield Finding("lone-bar", why, *_place(text, "|"))
    moments = Moments(options.steps)
    for found in re.finditer(r"\[[^\[\]]*:\s*([0-9]+)\s*\]", text):
        if moments.step_of(found.group(1)) >= options.steps and int(found.group(1)[:9]) > options.steps:
            yield Finding(
                "late-switch",
                f"{_short(found.group())} switches at step {found.group(1)[:9]}, but there are {options.steps} steps",
                found.start(),
                found.end(),
            )


def _full_width(text: str, prompt: Prompt, options: LintOptions) -> Iterator[Finding]:
    places = [at for at, sign in enumerate(text) if sign in FULL_WIDTH]
    if places:
        signs = list(dict.fromkeys(text[at] for at in places))
        plain = " ".join(FULL_WIDTH[sign] for sign in signs)
        yield Finding(
            "full-width",
            f"the full-width {' '.join(signs)} are no punctuation to the model; type {plain}",
            places[0],
            places[-1] + 1,
            "".join(FULL_WIDTH.get(sign, sign) for sign in text),
        )


def _unbalanced(text: str, prompt: Prompt, options: LintOptions) -> Iterator[Finding]:
    pairs = {"danqing": "()[]{}", "a1111": "()[]", "novelai": "[]{}", "comfy": "()", "compel": "()", "midjourney": "{}"}
    signs = pairs[options.dialect]
    opened: list[tuple[str, int]] = []
    strays: list[tuple[str, int]] = []
    for found in BRACKETS.finditer(text):
        sign = found.group()
        if sign not in signs or len(sign) > 1:
            continue
        if signs.index(sign) % 2 == 0:
            opened.append((sign, found.start()))
        elif opened and signs.index(opened[-1][0]) == signs.index(sign) - 1:
            opened.pop()
        else:
            strays.append((sign, found.start()))
    for sign, at in (*opened[:3], *strays[:3]):
        why = "is never closed" if (sign, at) in opened[:3] else "closes nothing"
        yield Finding(
            "unbalanced", f"the {sign} at character {at + 1} {why}; for the sign itself write \\{sign}", at, at + 1
        )


def _networks(text: str, prompt: Prompt, options: LintOptions) -> Iterator[Finding]:
    for found in TAG.finditer(text, 0, text.rfind(">") + 1):
        (tag,) = extract_tags(found.group())[1]
        known = options.hypernets if tag.kind == "hypernet" else options.loras
        if tag.kind not in SECOND_NETWORK:
            yield Finding(
                "unknown-tag", f"there are no <{tag.kind}:...> tags; it is taken out unread", found.start(), found.end()
            )
        elif options.negative:
            yield Finding("negative-tag", f"{tag} has no effect in a negative prompt", found.start(), found.end())
        elif known is not None and tag.name not in known:
            what = "hypernetwork" if tag.kind == "hypernet" else "LoRA"
            yield Finding(
                "unknown-network",
                f"no {what} named {tag.name!r}{did_you_mean(tag.name, list(known))}",
                found.start(),
                found.end(),
            )


def _embeddings(text: str, prompt: Prompt, options: LintOptions) -> Iterator[Finding]:
    if options.embeddings is None:
        return
    for found in re.finditer(r"embedding:([\w./-]+)", text):
        written = found.group(1).rstrip(".")
        name = embedding_name(written, options.embeddings) or written
        if name not in options.embeddings:
            yield Finding(
                "unknown-embedding",
                f"no embedding named {name!r}{did_you_mean(name, list(options.embeddings))}",
                *found.span(),
            )
        elif options.dialect != "comfy":
            yield Finding("comfy-embedding", "here an embedding is called by its bare name", *found.span(), name)


def _near_embeddings(text: str, prompt: Prompt, options: LintOptions) -> Iterator[Finding]:
    """A word that is nearly the name of an embedding is most likely that name, misspelt."""
    names = {name.casefold(): name for name in options.embeddings or () if len(name) >= LEAST_NAME}
    words = {found.group().casefold(): found for found in WORD.finditer(text)} if names else {}
    for word, found in words.items() if len(words) * len(names) <= MOST_PAIRS else ():
        close = difflib.get_close_matches(word, list(names), n=1, cutoff=0.8)
        if close and word not in names:
            name = names[close[0]]
            yield Finding(
                "near-embedding", f"there is an embedding {name!r}; {found.group()!r} is not it", *found.span(), name
            )


def _tags(prompt: Prompt) -> list[str]:
    whole = "".join(words.text for words in prompt.words())
    return [tag for piece in re.split(r"[,\n]", whole) if (tag := " ".join(piece.casefold().replace("_", " ").split()))]


def _repeated(text: str, prompt: Prompt, options: LintOptions) -> Iterator[Finding]:
    tags = _tags(prompt)
    for tag in dict.fromkeys(tag for tag in tags if tags.count(tag) > 1) if len(tags) < 2000 else ():
        start, end = _place(text.casefold(), tag)
        yield Finding("repeated", f"{_short(tag)} stands here {tags.count(tag)} times; a weight says more", start, end)


def _contradictory(text: str, prompt: Prompt, options: LintOptions) -> Iterator[Finding]:
    if options.negative:
        return
    tags = set(_tags(prompt))
    for group in options.exclusive:
        both = [tag for tag in group if tag in tags]
        if len(both) > 1:
            start, end = _place(text.casefold(), both[1])
            yield Finding("contradictory", f"{' and '.join(map(repr, both))} contradict each other", start, end)


def _long(text: str, prompt: Prompt, options: LintOptions) -> Iterator[Finding]:
    if options.vocabulary is None:
        return
    plan = read_prompt(
        extract_tags(text)[0],
        options.vocabulary,
        ReadingOptions(options.dialect, options.steps, negative=options.negative),
        options.embeddings or {},
    )
    count = max(stretch.count for part in plan.parts for stretch in part.spans)
    if count > ROOM:
        yield Finding(
            "long",
            f"{count} tokens fill {plan.longest} chunks of {ROOM}; what stands in a later chunk weighs less, and BREAK "
            "says where to cut",
            0,
            len(text),
        )


def _place(text: str, words: str) -> tuple[int, int]:
    at = max(0, text.find(words))
    return at, min(len(text), at + len(words))


def _short(text: str, quoted: bool = True) -> str:
    words = text.strip()
    words = words if len(words) <= 40 else f"{words[:37]}..."
    return repr(words) if quoted else words


Rule = Callable[[str, Prompt, LintOptions], Iterator[Finding]]
RULES: tuple[Rule, ...] = (
    _strong_weights,
    _square_weights,
    _bare_weight,
    _switches,
    _full_width,
    _unbalanced,
    _networks,
    _embeddings,
    _near_embeddings,
    _repeated,
    _contradictory,
    _long,
)
