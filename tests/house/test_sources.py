"""How the code of danqing looks from outside: sizes, first sentences, and nothing of the machine it was written on."""

import ast
import re
from pathlib import Path

import pytest

from tests.house.project import ROOT, own_files, sources

MOST_LINES = 400
MOST_FUNCTION_LINES = 50
MACHINE_PATH = re.compile(r"(?<![\w./<~$}])/(?:work|root|opt|Users|home)/\w")


def named(paths: list[Path]) -> list[object]:
    return [pytest.param(path, id=str(path.relative_to(ROOT))) for path in paths]


def test_no_source_file_is_above_400_lines_that_say_something() -> None:
    lengths = {
        str(path.relative_to(ROOT)): sum(1 for line in path.read_text(encoding="utf-8").splitlines() if line.strip())
        for path in sources("src", "tests", "tools", "bench")
    }
    assert {name: length for name, length in lengths.items() if length > MOST_LINES} == {}


def test_no_function_is_above_50_lines() -> None:
    long = []
    for path in sources("src", "tools"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                # A command's options stand in its signature, one a line: they are a table, not a function's length.
                if "cli" in path.parts:
                    length = (node.end_lineno or node.lineno) - node.body[0].lineno + 1
                if length > MOST_FUNCTION_LINES:
                    long.append(f"{path.relative_to(ROOT)}:{node.lineno} {node.name} ({length} lines)")
    assert long == []


@pytest.mark.parametrize("path", named([path for path in sources("src") if path.read_text(encoding="utf-8").strip()]))
def test_a_module_opens_by_saying_what_it_is_for(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))), "its first statement is no docstring"


def test_no_file_names_a_folder_of_the_machine_it_was_written_on() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}"
        for path in own_files()
        if path != Path(__file__)
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), start=1)
        if MACHINE_PATH.search(line)
    ]
    assert found == []


def test_only_the_command_line_prints() -> None:
    printing = [
        str(path.relative_to(ROOT))
        for path in sources("src")
        if "cli" not in path.parts and "bench" not in path.parts
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    assert printing == []
