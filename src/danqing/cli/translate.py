"""`danqing translate`: a prompt in another tool's language, in English, or taken apart."""

import json
from typing import Annotated, Any

import typer

from danqing.base.errors import PromptError
from danqing.base.table import did_you_mean
from danqing.cli.options import note
from danqing.cli.run_options import LookOptions, with_options
from danqing.cli.texts import DIALECTS, StepsOption, TextArgument, given_text
from danqing.prompt.glossary import to_english
from danqing.prompt.reading import Dialect, ReadingOptions
from danqing.prompt.swarm import read_swarm
from danqing.prompt.translate import Translated, translate
from danqing.studio.catalog import FolderCatalog
from danqing.studio.phrases import read_phrases
from danqing.studio.prompts import Explanation, embedding_sizes, explain_prompt, glossary

ABOUT = """
Say a prompt in the language of another tool: danqing, a1111, novelai, comfy, compel, midjourney; swarm can be read. What
the other can't say is said in notes. --to en puts Chinese and Korean words into English by a glossary, offline.

danqing translate "(big cat)1.3 in a forest++" --from compel --to a1111
"""
ENGLISH, SWARM = "en", "swarm"
SWARM_NAMES = (SWARM, "swarmui")


def add_to(app: typer.Typer, name: str, help: str) -> None:  # noqa: A002 - what it is called below
    """The command joins the application."""
    app.command(name, help=ABOUT, short_help=help)(with_options(LookOptions)(translate_prompt))


def translate_prompt(
    run: LookOptions,
    text: TextArgument,
    source: Annotated[
        str | None, typer.Option("--from", "-f", metavar="DIALECT", help="Whose language it is in now.")
    ] = None,
    target: Annotated[
        str | None, typer.Option("--to", "-t", metavar="DIALECT", help="Whose it shall be in, or en for English words.")
    ] = None,
    explained: Annotated[
        bool, typer.Option("--explain", "-e", help="Show the tree, the weight of every token, steps and chunks.")
    ] = False,
    steps: StepsOption = None,
) -> None:
    """Prints the translation, the explanation, or both."""
    if target is None and not explained:
        raise PromptError(f"say where to with --to ({', '.join(DIALECTS)} or en), or --explain the prompt")
    given = given_text(text)
    studio = run.studio()
    said = source or given.dialect
    prompt = _translated(given.prompt, said, target, studio.catalog)
    negative = _translated(given.negative_prompt, said, target, studio.catalog) if given.negative_prompt else None
    explanation = None
    if explained:
        options = ReadingOptions(_target(said, target), steps or given.steps)
        explanation = explain_prompt(prompt.text, studio.catalog, options, read_phrases(studio.home))
    notes = list(dict.fromkeys((*prompt.notes, *(negative.notes if negative else ()))))
    if run.as_json:
        data = {"text": prompt.text, "negative": negative.text if negative else "", "notes": notes}
        print(json.dumps(data | _explained(explanation), ensure_ascii=False, indent=2))
        return
    if target is not None:
        print(prompt.text if negative is None else f"{prompt.text}\nNegative prompt: {negative.text}")
    for sentence in notes:
        note(sentence)
    if explanation is not None:
        print("\n".join(explanation.lines))


def _target(source: str, target: str | None) -> Dialect:
    """The dialect that the result is in."""
    if target is not None and target.casefold() != ENGLISH:
        return _dialect(target, "translated into")
    return "danqing" if source.casefold() in SWARM_NAMES else _dialect(source, "read")


def _translated(text: str, source: str, target: str | None, catalog: FolderCatalog) -> Translated:
    notes: tuple[str, ...] = ()
    meant: Dialect = "danqing"
    if source.casefold() in SWARM_NAMES:
        text, notes = (read := read_swarm(text)).text, read.notes
    else:
        meant = _dialect(source, "read")
    if target is None:
        return Translated(text, notes)
    if target.casefold() == ENGLISH:
        english = to_english(text, glossary())
        unknown = f"the glossary doesn't know {', '.join(english.unknown)}" if english.unknown else ""
        return Translated(english.text, (*notes, *([unknown] if unknown else [])))
    made = translate(text, meant, _dialect(target, "translated into"), list(embedding_sizes(catalog)))
    return Translated(made.text, (*notes, *made.notes))


def _dialect(word: str, what: str) -> Dialect:
    if word not in DIALECTS:
        more = [SWARM] if what == "read" else [ENGLISH]
        raise PromptError(f"no dialect named {word!r} can be {what}{did_you_mean(word, [*DIALECTS, *more])}")
    return DIALECTS.find(word)


def _explained(explanation: Explanation | None) -> dict[str, Any]:
    if explanation is None:
        return {}
    return {
        "variants": explanation.variants,
        "tags": list(explanation.tags),
        "tree": list(explanation.tree),
        "parts": list(explanation.parts),
    }
