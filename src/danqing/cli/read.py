"""`danqing read`: what a picture or a text file says about how it was painted."""

import json
from typing import Annotated

import typer

from danqing.base.infotext import write_infotext
from danqing.cli.options import JsonOption, note
from danqing.cli.sources import Source, read_source

ABOUT = """
Show the parameters that a picture holds, danqing's own exactly and those of other programs as far as they can be read.
A recipe (JSON) and an infotext are read too; - reads from stdin.
"""


def add_to(app: typer.Typer, name: str, help: str) -> None:  # noqa: A002 - what it is called below
    """The command joins the application."""
    app.command(name, help=ABOUT, short_help=help)(read)


def read(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A picture, a recipe or an infotext file.")],
    as_json: JsonOption = False,
) -> None:
    """Prints the infotext, and for danqing's own pictures what else is known."""
    found = read_source(file)
    if as_json:
        print(json.dumps(data_of(found), ensure_ascii=False, indent=2))
        return
    print(found.infotext or write_infotext(found.order.recipe, hashes={}, version="").strip())
    for line in _facts(found):
        print(line)
    for sentence in found.notes:
        note(sentence)


def data_of(found: Source) -> dict[str, object]:
    """Everything that was found, JSON-ready. "recipe" is the recipe's own JSON, its version included."""
    provenance = found.provenance
    return {
        "exact": provenance is not None,
        "recipe": json.loads(found.order.recipe.to_json()),
        "digest": found.order.recipe.digest,
        "left_to_model": list(found.order.left_to_model),
        "infotext": found.infotext,
        "fields": dict(found.fields),
        "provenance": provenance.model_dump(mode="json", exclude={"recipe"}) if provenance else None,
        "notes": list(found.notes),
    }


def _facts(found: Source) -> list[str]:
    provenance = found.provenance
    if provenance is None:
        return []
    facts = provenance.facts
    lines = [
        "",
        f"recipe: {provenance.recipe.digest}",
        f"painted on {facts.device} in {facts.dtype}, {provenance.seconds:.2f} s, "
        f"picture {facts.batch_index + 1} of a batch of {facts.batch_size}",
    ]
    lines.extend(
        f"then {use.name}: " + ", ".join(f"{key} {value}" for key, value in use.settings.items() if key != "files")
        for use in provenance.after
    )
    if provenance.interrupted:
        lines.append("interrupted before its last step")
    if provenance.versions:
        lines.append("with " + ", ".join(f"{name} {number}" for name, number in sorted(provenance.versions.items())))
    return lines
