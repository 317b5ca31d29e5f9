"""Every `danqing ...` line that a page shows is one that danqing understands."""

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
import typer

from danqing.cli.app import COMMANDS, app_for
from tests.house.project import ROOT, commands, pages


def parse(words: Sequence[str]) -> None:
    """Reads a command line as far as its options go; nothing is run. Raises typer's error for a word it doesn't know."""
    group: Any = typer.main.get_command(app_for(words))
    with group.make_context("danqing", list(words)) as outer:
        name, command, rest = group.resolve_command(outer, [*outer._protected_args, *outer.args])
        command.make_context(name, rest, parent=outer).close()


def shown() -> Iterator[object]:
    for page in pages():
        for place, words in commands(page, "danqing"):
            yield pytest.param(words, id=f"{place} danqing {' '.join(words)}")


@pytest.mark.parametrize("words", list(shown()))
def test_a_command_line_on_a_page_can_be_typed(words: list[str]) -> None:
    parse(words)


def test_a_word_that_danqing_does_not_know_is_refused() -> None:
    with pytest.raises(typer.TyperException):
        parse(["paint", "a fox", "--no-such-option", "3"])


def test_the_readme_shows_every_command() -> None:
    readme = [words[0] for _, words in commands(ROOT / "README.md", "danqing")]
    assert set(COMMANDS) - set(readme) == set()


@pytest.mark.parametrize("name", list(COMMANDS))
def test_a_command_says_what_it_does_in_one_sentence(name: str) -> None:
    assert COMMANDS[name].help.endswith(".")
