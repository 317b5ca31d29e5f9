"""`danqing lint`: what will surprise whoever wrote a prompt."""

import json
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from danqing.cli.run_options import LookOptions, with_options
from danqing.cli.texts import DIALECTS, GivenText, StepsOption, TextArgument, given_text
from danqing.prompt.lint import Finding, lint
from danqing.studio.prompts import lint_options

ABOUT = """
Look a prompt over: weights that break pictures, brackets that mean something else, LoRAs and embeddings that nobody has,
words that contradict each other. Leaves with 1 when there is an error or a warning; hints alone leave with 0.
"""
FOUND = 1
COLORS = {"error": "red", "warning": "yellow", "hint": "cyan"}


def add_to(app: typer.Typer, name: str, help: str) -> None:  # noqa: A002 - what it is called below
    """The command joins the application."""
    app.command(name, help=ABOUT, short_help=help)(with_options(LookOptions)(lint_prompt))


def lint_prompt(
    run: LookOptions,
    text: TextArgument,
    dialect: Annotated[
        str | None, typer.Option("--dialect", "-d", metavar="NAME", help="Whose language it is in.")
    ] = None,
    negative: Annotated[bool, typer.Option("--negative", "-n", help="TEXT is a negative prompt.")] = False,
    steps: StepsOption = None,
) -> None:
    """Prints the findings."""
    given = given_text(text)
    found = _findings(given, run, dialect, negative, steps)
    wrong = any(finding.severity != "hint" for _, finding in found)
    if run.as_json:
        print(
            json.dumps({"clean": not wrong, "findings": [_data(*one) for one in found]}, ensure_ascii=False, indent=2)
        )
    elif found:
        _show(found)
    else:
        print("no findings")
    if wrong:
        raise typer.Exit(FOUND)


def _findings(
    given: GivenText, run: LookOptions, dialect: str | None, negative: bool, steps: int | None
) -> list[tuple[str, Finding]]:
    """(which prompt, finding) in order."""
    catalog = run.studio().catalog
    meant = DIALECTS.find(dialect) if dialect else given.dialect
    texts = [("negative prompt" if negative else "prompt", given.prompt, negative)]
    if given.negative_prompt:
        texts.append(("negative prompt", given.negative_prompt, True))
    return [
        (which, finding)
        for which, text, is_negative in texts
        for finding in lint(text, lint_options(catalog, meant, negative=is_negative, steps=steps or given.steps))
    ]


def _data(which: str, finding: Finding) -> dict[str, object]:
    return {
        "in": which,
        "start": finding.start,
        "end": finding.end,
        "severity": finding.severity,
        "code": finding.code,
        "message": finding.message,
        "remedy": finding.remedy,
    }


def _show(found: list[tuple[str, Finding]]) -> None:
    table = Table("place", "severity", "finding", "write instead", box=None, pad_edge=False)
    for which, finding in found:
        place = f"{which} {finding.start + 1}-{max(finding.start + 1, finding.end)}"
        severity = Text(finding.severity, COLORS[finding.severity])
        table.add_row(Text(place), severity, Text(finding.message), Text(_short(finding.remedy)))
    Console().print(table)


def _short(text: str) -> str:
    return text if len(text) <= 200 else f"{text[:197]}..."
