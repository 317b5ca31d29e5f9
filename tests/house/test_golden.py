"""Golden data is there to be run: no file lies unused, and a deviation is told to the user with its reason."""

import importlib
import re

import pytest

from danqing.base.infotext_keys import UNNAMED
from tests.house.project import ROOT

FILES = sorted((ROOT / "tests/golden").glob("*.json"))
TESTS = "\n".join(
    path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("*.py") if path.name != "test_golden.py"
)
PAGE = (ROOT / "docs/prompt.md").read_text(encoding="utf-8")
DEVIATIONS = [
    (module, name)
    for module, table in (
        ("tests.prompt.test_attention", "DEVIATIONS"),
        ("tests.prompt.test_variants", "DEVIATIONS"),
        ("tests.base.test_infotext_golden", "READ_BETTER"),
    )
    for name in getattr(importlib.import_module(module), table)
]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_golden_file_is_run_by_a_test(file: object) -> None:
    stem = getattr(file, "stem", "")
    assert re.search(rf"\b{stem}\b", TESTS), f"{stem} is run by no test"


@pytest.mark.parametrize(("module", "case"), DEVIATIONS, ids=[case for _, case in DEVIATIONS])
def test_a_case_that_deviates_stands_in_the_documents(module: str, case: str) -> None:
    assert f"`{case}`" in PAGE.replace("\\|", "|"), f"{module} deviates in {case!r}, which docs/prompt.md doesn't tell"


@pytest.mark.parametrize("path", UNNAMED)
def test_a_field_that_the_infotext_can_not_name_stands_in_the_documents(path: str) -> None:
    assert f"| `{path}` | {UNNAMED[path]} |" in PAGE
