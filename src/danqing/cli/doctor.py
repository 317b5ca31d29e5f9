"""`danqing doctor`: what this machine and this home folder are like, and what stands in the way of painting."""

import json
from typing import Literal

import typer

from danqing.cli.options import DeviceOption, DtypeOption, HomeOption, JsonOption, ModelsFromOption, open_studio
from danqing.studio.checkup import Finding, checkup

ABOUT = """
Look over this machine and this home folder: memory, device, number formats, folders, the embedded model.
Leaves with 2 when something stands in the way of painting.
"""
MARKS: dict[Literal["good", "note", "bad"], str] = {"good": "  ", "note": "- ", "bad": "! "}
HINDERED = 2


def add_to(app: typer.Typer, name: str, help: str) -> None:  # noqa: A002 - what it is called below
    """The command joins the application."""
    app.command(name, help=ABOUT, short_help=help)(doctor)


def doctor(
    home: HomeOption = None,
    models_from: ModelsFromOption = None,
    device: DeviceOption = None,
    dtype: DtypeOption = None,
    as_json: JsonOption = False,
) -> None:
    """One finding a line, what hinders with a ! before it."""
    studio = open_studio(home, models_from=models_from, device=device, dtype=dtype)
    findings = list(checkup(studio))
    hindered = any(finding.state == "bad" for finding in findings)
    if as_json:
        print(json.dumps({"good": not hindered, "findings": [data_of(one) for one in findings]}, indent=2))
    else:
        width = max(len(finding.about) for finding in findings)
        for finding in findings:
            print(f"{MARKS[finding.state]}{finding.about.ljust(width)}  {finding.found}")
    if hindered:
        raise typer.Exit(HINDERED)


def data_of(finding: Finding) -> dict[str, str]:
    """A finding, JSON-ready."""
    return {"about": finding.about, "state": finding.state, "found": finding.found}
