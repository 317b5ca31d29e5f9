"""One dialect's prompt in the words of another, and in plain language what was lost on the way."""

import math
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from danqing.prompt.attention import CURLY
from danqing.prompt.choices import hold_choices
from danqing.prompt.composition import WEIGHT
from danqing.prompt.grammar import Alternate, Break, Edit, Item, Part, Prompt, TagItem, Words, parse
from danqing.prompt.midjourney import MARK, body_of
from danqing.prompt.reading import Dialect

NAMES: Mapping[Dialect, str] = MappingProxyType(
    {
        "danqing": "danqing",
        "a1111": "A1111",
        "novelai": "NovelAI",
        "comfy": "ComfyUI",
        "compel": "Compel",
        "midjourney": "Midjourney",
    }
)
CALLED = re.compile(r"(?<!\w)embedding:(?=\S)")
KEYWORD = re.compile(r"\b(A)(ND)\b|\b(B)(REAK)\b")


@dataclass(frozen=True)
class Translated:
    """The text in the other dialect, and notes on everything that it can't say, or says otherwise."""

    text: str
    notes: tuple[str, ...] = ()


@dataclass
class _Notes:
    """Notes, each once."""

    said: dict[str, None] = field(default_factory=dict[str, None])

    def add(self, note: str) -> None:
        self.said[note] = None


def translate(text: str, source: Dialect, target: Dialect, embeddings: Collection[str] = ()) -> Translated:
    """A prompt of one dialect in another. The text it had is kept where both are the same.

    `embeddings`: names of textual inversions, which ComfyUI calls with a prefix. Raises PromptError for a template that
    can't be understood.
    """
    if source == target:
        return Translated(text)
    notes = _Notes()
    if source == "midjourney":
        text = _without_parameters(text, notes)
    held = hold_choices(text, source, target, notes.add)
    prompt = parse(held.text, source)
    if {source, target} == {"danqing", "a1111"} and ("{" in held.text or "}" in held.text):
        notes.add("braces weigh 1.05 in danqing and are text in A1111")
    _compare_weights(prompt, source, target, notes)
    written = write(prompt, target)
    said = held.put_back(written.text, target, lambda option: write(parse(option, source), target).text)
    return Translated(_called(said, source, target, embeddings), tuple(notes.said) + written.notes)


def _without_parameters(command: str, notes: _Notes) -> str:
    body = body_of(command)
    mark = MARK.search(body)
    if mark is None:
        return body
    notes.add(f"{body[mark.start() :].strip()[:80]} is no part of the prompt: `danqing imagine` reads it")
    return body[: mark.start()].rstrip()


def _called(text: str, source: Dialect, target: Dialect, embeddings: Collection[str]) -> str:
    """Textual inversions called as the target does: by a prefix in ComfyUI, by the bare name elsewhere."""
    if source == "comfy":
        return CALLED.sub("", text)
    if target != "comfy" or not embeddings:
        return text
    names = "|".join(re.escape(name) for name in sorted(embeddings, key=len, reverse=True))
    return re.sub(rf"(?<![\w:])({names})(?!\w)", r"embedding:\1", text, flags=re.IGNORECASE)


def _compare_weights(prompt: Prompt, source: Dialect, target: Dialect, notes: _Notes) -> None:
    around_empty: list[Dialect] = [dialect for dialect in (source, target) if dialect in ("comfy", "compel")]
    weighted = any(words.weight != 1.0 for words in prompt.words())
    if len(around_empty) != 1 or "midjourney" in (source, target) or not weighted:
        return
    other = target if around_empty == [source] else source
    notes.add(
        f"{NAMES[around_empty[0]]} applies a weight round the empty prompt's encoding, {NAMES[other]} scales the "
        "encoding itself: the same number looks different above 1.2"
    )


def write(prompt: Prompt, dialect: Dialect) -> Translated:
    """The tree as text of a dialect."""
    notes = _Notes()
    if dialect in ("danqing", "a1111"):
        text = _a1111(prompt, "{}" if dialect == "danqing" else "", notes)
    elif dialect == "midjourney":
        text = _midjourney(prompt, notes)
    elif dialect == "compel":
        text = _compel(prompt, notes)
    elif dialect == "novelai":
        text = _novelai(prompt, notes)
    else:
        text = _comfy(prompt, notes)
    return Translated(text, tuple(notes.said))


def _figure(weight: float) -> str:
    return f"{round(weight, 4):.10g}"


def _escaped(text: str, signs: str) -> str:
    return "".join(f"\\{sign}" if sign in signs else sign for sign in text)


def _a1111(prompt: Prompt, braces: str, notes: _Notes) -> str:
    if prompt.mixed:
        notes.add("a blend of encodings became AND, which adds the predictions by weight")
    texts: list[str] = []
    for part in prompt.parts:
        text = "".join(_a1111_item(item, braces, "") for item in part.items).replace("  BREAK  ", " BREAK ")
        # Without a weight of its own a text that ends like one would lose its end.
        weighted = part.weight != 1.0 or WEIGHT.search(text.rstrip()) is not None
        texts.append(f"{text} :{_figure(part.weight)}" if weighted else text)
    return " AND ".join(text.strip() for text in texts) if len(texts) > 1 else texts[0]


def _a1111_item(item: Item, braces: str, inside: str) -> str:
    """`inside` are the signs that would end the switch in which the item stands."""
    if isinstance(item, Words):
        text = KEYWORD.sub(
            lambda found: "\\".join(filter(None, found.groups())), _escaped(item.text, f"\\()[]{braces}{inside}")
        )
        # Blanks have no tokens, so a weight on them says nothing.
        return text if item.weight == 1.0 or not text.strip() else f"({text}:{_figure(item.weight)})"
    if isinstance(item, TagItem):
        return str(item.tag)
    if isinstance(item, Edit):
        before, after = ("".join(_a1111_item(one, braces, ":|") for one in side) for side in (item.before, item.after))
        return f"[{before}:{after}:{item.when}]"
    if isinstance(item, Alternate):
        options = ("".join(_a1111_item(one, braces, ":|") for one in option) for option in item.options)
        return f"[{'|'.join(options)}]"
    return " BREAK "


def _states(item: Item, name: str, notes: _Notes) -> tuple[Item, ...]:
    """A switch's first state, for dialects without timelines."""
    if isinstance(item, Edit):
        notes.add(f"{name} has no prompt editing: the text before the switch was taken")
        return item.before
    if isinstance(item, Alternate):
        notes.add(f"{name} has no alternation: the first option was taken")
        return item.options[0]
    return (item,)


def _flat(part: Part, name: str, notes: _Notes) -> list[Words | Break]:
    """The words of a part as they are on the first step."""
    result: list[Words | Break] = []
    waiting = list(reversed(part.items))
    while waiting:
        item = waiting.pop()
        if isinstance(item, Words | Break):
            result.append(item)
        elif isinstance(item, TagItem):
            notes.add(f"{name} has no tags in prompts: load {item.tag} beside it")
        else:
            waiting += reversed(_states(item, name, notes))
    return result


def _comfy(prompt: Prompt, notes: _Notes) -> str:
    if len(prompt.parts) > 1:
        notes.add("ComfyUI can't weigh whole prompts against each other in text: they follow one another")
    texts = [_run(part, _comfy_words, NAMES["comfy"], notes) for part in prompt.parts]
    return ", ".join(text.strip() for text in texts) if len(texts) > 1 else texts[0]


def _novelai(prompt: Prompt, notes: _Notes) -> str:
    texts = [_run(part, _novelai_words, NAMES["novelai"], notes) for part in prompt.parts]
    if len(texts) == 1:
        return texts[0]
    if not prompt.mixed:
        notes.add("AND became NovelAI's prompt mixing, which blends the encodings instead of adding the predictions")
    return "|".join(f"{text.strip()}:{_figure(part.weight)}" for text, part in zip(texts, prompt.parts, strict=True))


def _run(part: Part, words: Callable[[Words, _Notes], str], name: str, notes: _Notes) -> str:
    """A part's words one after another, a comma for every break."""
    pieces: list[str] = []
    for item in _flat(part, name, notes):
        if isinstance(item, Break):
            notes.add(f"{name} has no BREAK: a comma stands for it")
            pieces.append(", ")
        elif item.text:
            word = words(item, notes)
            # A number that begins a weight must not touch the word before it.
            apart = word != item.text and word[:1] in "-.0123456789" and pieces and re.search(r"[\w.]\Z", pieces[-1])
            pieces += [" ", word] if apart else [word]
    return "".join(pieces)


def _comfy_words(item: Words, notes: _Notes) -> str:
    text = _escaped(item.text, "()")
    return text if item.weight == 1.0 or not text.strip() else f"({text}:{_figure(item.weight)})"


def _novelai_words(item: Words, notes: _Notes) -> str:
    text = re.sub(r"[\[\]{}|]|::", "", item.text)
    if text != item.text:
        notes.add("NovelAI has no escapes: signs of its language that were text are gone")
    if item.weight == 1.0 or not text.strip():
        return text
    times = round(math.log(item.weight) / math.log(CURLY)) if item.weight > 0 else 0
    if times and abs(times) <= 40 and abs(CURLY**times - item.weight) <= 5e-4:
        return f"{('{' if times > 0 else '[') * abs(times)}{text}{('}' if times > 0 else ']') * abs(times)}"
    notes.add(
        f"a weight of {_figure(item.weight)} is no power of 1.05: written as a number, which NovelAI reads since V4"
    )
    apart = " " if text[-1].isdigit() or text[-1] == "." else ""  # else its end would begin another weight
    return f"{_figure(item.weight)}::{text}{apart}::"


def _compel(prompt: Prompt, notes: _Notes) -> str:
    name = NAMES["compel"]
    texts: list[tuple[str, float]] = []
    broken = False
    for part in prompt.parts:
        text = ""
        for item in _with_swaps(part, name, notes):
            if isinstance(item, Break):
                texts.append((text, part.weight))
                text, broken = "", True
            else:
                text += item if isinstance(item, str) else _compel_words(item)
        texts.append((text, part.weight))
    if len(texts) == 1:
        return texts[0][0]
    quoted = ", ".join(f'"{_escaped(text.strip(), chr(34))}"' for text, _ in texts)
    if broken and len(prompt.parts) == 1:
        notes.add("BREAK became .and(), which lays the encodings behind each other too")
        return f"({quoted}).and()"
    if not prompt.mixed:
        notes.add("AND became .blend(), which mixes the encodings instead of adding the predictions")
    return f"({quoted}).blend({', '.join(_figure(weight) for _, weight in texts)})"


def _with_swaps(part: Part, name: str, notes: _Notes) -> list[Words | Break | str]:
    """The part's words, and switches between plain words as swaps, already in Compel's words."""
    result: list[Words | Break | str] = []
    for item in part.items:
        swap = _swap_of(item) if isinstance(item, Edit) else ""
        if swap:
            notes.add("prompt editing became .swap(), which keeps the layout of the first words")
            result.append(swap)
        else:
            result += _flat(Part(part.weight, (item,)), name, notes)
    return result


def _swap_of(item: Edit) -> str:
    before, after = (
        "".join(one.text for one in side if isinstance(one, Words) and one.weight == 1.0)
        for side in (item.before, item.after)
    )
    whole = all(isinstance(one, Words) and one.weight == 1.0 for one in (*item.before, *item.after))
    plain = not re.search(r'[()",=+\\]', before + after) and before.strip() and after.strip()
    if not whole or not plain or "." not in item.when or not 0 < float(item.when) < 1:
        return ""
    return f"({before.strip()}).swap({after.strip()}, s_start={_figure(float(item.when))})"


def _compel_words(item: Words) -> str:
    text = _escaped(item.text, '\\()+-"')
    blank = len(text) - len(text.lstrip())
    inner = text.strip()
    if item.weight == 1.0 or not inner:
        return text
    return f"{text[:blank]}({inner}){_figure(item.weight)}{text[blank + len(inner) :]}"


def _midjourney(prompt: Prompt, notes: _Notes) -> str:
    name = NAMES["midjourney"]
    parts: list[Words] = []
    for part in prompt.parts:
        for item in _flat(part, name, notes):
            if isinstance(item, Break):
                notes.add("Midjourney has no BREAK: the words go on")
                parts += [Words(parts.pop().text + " ", part.weight)] if parts else []
            elif item.text.strip(" ,"):
                same = bool(parts) and parts[-1].weight == item.weight * part.weight and len(prompt.parts) == 1
                text = (parts.pop().text if same else "") + item.text
                parts.append(Words(text, item.weight * part.weight))
    if len(parts) <= 1:
        return "".join(part.text for part in parts)
    notes.add("weighted words became concepts of their own, as :: does")
    return " ".join(f"{part.text.strip(' ,').replace('::', ':')}::{_figure(part.weight)}" for part in parts)
