"""The floors of the house: who may import whom, and what is never loaded just to look."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.project import ROOT, read_toml, sources

HEAVY = ("torch", "diffusers", "transformers", "accelerate", "peft", "gradio", "fastapi")
LIGHT_MODULES = (
    "danqing",
    "danqing.base.recipe",
    "danqing.base.order",
    "danqing.prompt",
    "danqing.painting.expand",
    "danqing.painting.plan",
    "danqing.painting.check",
    "danqing.studio.catalog",
    "danqing.studio.settings",
)


def run_python(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "NO_COLOR": "1", "COLUMNS": "120"}
    command = [sys.executable, *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=100)


def loaded_after(statement: str) -> set[str]:
    """The heavy packages in sys.modules once a fresh Python has run the statement."""
    ran = run_python("-c", f"import sys\n{statement}\nprint('LOADED', *[n for n in {HEAVY!r} if n in sys.modules])")
    assert ran.returncode == 0, ran.stderr
    return set(ran.stdout.rpartition("LOADED")[2].split())


def test_imports_go_down_only_and_never_in_circles() -> None:
    linted = run_python(
        "-c", "from importlinter.cli import lint_imports; raise SystemExit(lint_imports(no_cache=True))"
    )
    assert linted.returncode == 0, linted.stdout[-3000:]


def test_every_package_of_the_house_has_its_floor() -> None:
    contracts = read_toml("pyproject.toml")["tool"]["importlinter"]["contracts"]
    floors = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    placed = {name.strip(" ()").removeprefix("danqing.") for floor in floors for name in floor.split("|")}
    packages = {path.relative_to(ROOT / "src/danqing").parts[0] for path in sources("src")}
    homeless = {name for name in packages if not name.startswith("__")} - placed
    assert homeless == set()


@pytest.mark.parametrize("module", LIGHT_MODULES)
def test_looking_needs_no_networks(module: str) -> None:
    assert loaded_after(f"import {module}") == set()


def test_help_needs_no_networks() -> None:
    told = "from danqing.cli import main\nimport sys\nsys.argv = ['danqing', '--help']\n"
    assert loaded_after(told + "try:\n    main()\nexcept SystemExit as left:\n    assert not left.code") == set()


def test_importing_danqing_leaves_the_environment_alone() -> None:
    ran = run_python("-c", "import os; before = dict(os.environ); import danqing; assert dict(os.environ) == before")
    assert ran.returncode == 0, ran.stderr


def test_torchvision_is_not_here() -> None:
    assert importlib.util.find_spec("torchvision") is None


def test_torchvision_is_asked_for_nowhere() -> None:
    project = read_toml("pyproject.toml")["project"]
    asked = [*project["dependencies"], *(name for extra in project["optional-dependencies"].values() for name in extra)]
    pins = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    assert [line for line in [*asked, *pins] if line.lower().startswith("torchvision")] == []


def test_the_wheel_carries_its_assets() -> None:
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").split()
    assets = ROOT / "src/danqing/assets"
    weights = list(assets.rglob("*.safetensors"))
    assert weights, "the embedded model is missing"
    # hatch leaves out what git ignores, so an ignored pattern would take the model out of the wheel.
    assert [pattern for pattern in ignored if any(Path(weight).match(pattern) for weight in weights)] == []
