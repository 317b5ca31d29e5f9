"""The pages that people read: links lead somewhere, examples run, `make` knows the targets they name."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.house.project import ROOT, Fence, commands, fences, pages

LINK = re.compile(r"(?<!\\)!?\[[^\]]*\]\(([^)\s]+)\)")
RUNNABLE = [fence for page in (ROOT / "README.md", *(ROOT / "docs").rglob("*.md")) for fence in fences(page)]
COMING = ("graph/",)  # floors that the plan names and nobody has built yet
EXAMPLES = [fence for fence in RUNNABLE if fence.language == "python"]


def links() -> Iterator[object]:
    for page in pages():
        text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
        for found in LINK.finditer(re.sub(r"`[^`\n]*`", "", text)):
            if "://" not in found[1] and not found[1].startswith("mailto:"):
                yield pytest.param(page, unquote(found[1]), id=f"{page.relative_to(ROOT)}->{found[1]}")


def anchors(page: Path) -> set[str]:
    """The ids that GitHub gives to a page's headings."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize(("page", "target"), list(links()))
def test_a_link_leads_somewhere(page: Path, target: str) -> None:
    path, _, anchor = target.partition("#")
    there = (page.parent / path).resolve() if path else page
    assert there.exists()
    if anchor and there.suffix == ".md":
        assert anchor in anchors(there)


@pytest.mark.parametrize("example", EXAMPLES, ids=str)
def test_a_python_example_runs(example: Fence, tmp_path: Path) -> None:
    source = tmp_path / "example.py"
    source.write_text(example.text, encoding="utf-8")
    folders = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
    environment = {**os.environ, "DANQING_HOME": str(tmp_path / "home"), "PYTHONPATH": folders}
    ran = subprocess.run(
        [sys.executable, str(source)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=110,
    )
    assert ran.returncode == 0, ran.stderr[-2000:]


@pytest.mark.parametrize("page", [*pages(), ROOT / ".ci/run"], ids=lambda page: page.name)
def test_make_knows_every_target_that_a_page_names(page: Path) -> None:
    known = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = set(re.findall(r"`make ([a-z-]+)", page.read_text(encoding="utf-8")))
    called = {words[0] for _, words in commands(page, "make") if words}
    assert (named | called) - known == set()


def test_the_readme_runs_python_and_shows_commands() -> None:
    readme = ROOT / "README.md"
    assert any(fence.language == "python" for fence in fences(readme))
    assert list(commands(readme, "danqing"))
    assert list(commands(readme, "make"))


def test_every_decision_is_in_the_list() -> None:
    folder = ROOT / "docs/decisions"
    listed = set(re.findall(r"\((\d{4}-[^)]*\.md)\)", (folder / "README.md").read_text(encoding="utf-8")))
    assert listed == {page.name for page in folder.glob("[0-9]*.md")}


@pytest.mark.parametrize("page", sorted((ROOT / "docs/decisions").glob("[0-9]*.md")), ids=lambda page: page.name)
def test_a_decision_gives_context_choice_and_price(page: Path) -> None:
    headings = re.findall(r"^## (\w+)", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert headings == ["Context", "Choice", "Price"]


def test_the_plan_of_the_house_names_only_modules_that_exist() -> None:
    plan = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    section = plan[plan.index("## What is where") : plan.index("## Where things plug in")]
    named = re.findall(r"`([a-z0-9_]+/[a-z0-9_/.]*)`", section)
    assert [name for name in named if not (ROOT / "src/danqing" / name).exists() and name not in COMING] == []


def test_the_plan_of_the_house_names_every_package() -> None:
    plan = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    packages = [path for path in (ROOT / "src/danqing").iterdir() if path.is_dir() and path.name != "__pycache__"]
    assert [path.name for path in packages if f"`{path.name}/`" not in plan] == []
