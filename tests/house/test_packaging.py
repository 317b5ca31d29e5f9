"""pyproject.toml, constraints.txt and what stands between them and a user."""

import ast
import re
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

import danqing
from tests.house.project import ROOT, read_toml, sources


def plain(name: str) -> str:
    """A distribution's name as pip compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


PROJECT = read_toml("pyproject.toml")["project"]
ASKED = [Requirement(line) for line in PROJECT["dependencies"] + PROJECT["optional-dependencies"]["dev"]]
PINS = {
    plain(name): Version(pin)
    for name, _, pin in (
        line.partition("==")
        for line in (ROOT / "constraints.txt").read_text().splitlines()
        if "==" in line and line[0] != "#"
    )
}


def imports_of(path: Path) -> Iterator[str]:
    """The top-level names that a module imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.partition(".")[0]


@pytest.mark.parametrize("asked", ASKED, ids=lambda asked: asked.name)
def test_every_dependency_is_pinned_to_a_version_that_it_allows(asked: Requirement) -> None:
    assert asked.specifier.contains(PINS[plain(asked.name)])


def test_every_dependency_says_why_it_is_there() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    block = text[text.index("dependencies = [") : text.index("]", text.index("dependencies = ["))]
    silent = [
        line.strip() for line in block.splitlines() if line.strip().startswith('"') and not re.search(r"# \w+", line)
    ]
    assert silent == []


def test_what_is_imported_is_declared_and_what_is_declared_is_imported() -> None:
    imported = (
        {name for path in sources("src") for name in imports_of(path)} - set(sys.stdlib_module_names) - {"danqing"}
    )
    homes = packages_distributions()
    used = {plain(homes[name][0]) for name in imported}
    # pydantic pins pydantic-core exactly; asking for it beside would only be a second truth.
    assert used - {"pydantic-core"} == {plain(Requirement(line).name) for line in PROJECT["dependencies"]}


def test_torch_comes_first_and_no_cuda_package_is_pinned() -> None:
    assert next(iter(PINS)) == "torch"
    assert [name for name in PINS if name.startswith(("nvidia", "cuda", "triton"))] == []


def test_the_installed_version_is_the_one_in_the_source() -> None:
    try:
        installed = version("danqing")
    except PackageNotFoundError:
        pytest.skip("danqing is not installed here, only on the path")
    assert installed == danqing.__version__


def test_the_changelog_has_a_place_for_what_is_new() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(r"^## Unreleased$", changelog, re.MULTILINE)


def test_the_licence_is_apache_2() -> None:
    licence = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License" in licence
    assert "END OF TERMS AND CONDITIONS" in licence
    assert PROJECT["license"] == "Apache-2.0"
