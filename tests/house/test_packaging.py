"""pyproject.toml, constraints.txt and what stands between them and a user."""

import re
from importlib.metadata import PackageNotFoundError, version

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

import danqing
from tests.house.project import ROOT, read_toml

PROJECT = read_toml("pyproject.toml")["project"]
ASKED = [Requirement(line) for line in PROJECT["dependencies"] + PROJECT["optional-dependencies"]["dev"]]
PINS = {
    name.lower().replace("_", "-"): Version(pin)
    for name, _, pin in (
        line.partition("==")
        for line in (ROOT / "constraints.txt").read_text().splitlines()
        if "==" in line and line[0] != "#"
    )
}


@pytest.mark.parametrize("asked", ASKED, ids=lambda asked: asked.name)
def test_every_dependency_is_pinned_to_a_version_that_it_allows(asked: Requirement) -> None:
    assert asked.specifier.contains(PINS[asked.name.lower()])


def test_every_dependency_says_why_it_is_there() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    block = text[text.index("dependencies = [") : text.index("]", text.index("dependencies = ["))]
    silent = [
        line.strip() for line in block.splitlines() if line.strip().startswith('"') and not re.search(r"# \w+", line)
    ]
    assert silent == []


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
