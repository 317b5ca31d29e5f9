"""What the tests of the prompt language share: golden files and CLIP's vocabulary."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from danqing.prompt.tokens import Vocabulary, read_vocabulary

ROOT = Path(__file__).resolve().parents[2]


def golden(name: str) -> Any:
    """The contents of tests/golden/NAME.json; files with a heading give their cases."""
    data = json.loads((ROOT / "tests/golden" / f"{name}.json").read_text(encoding="utf-8"))
    return data["cases"] if isinstance(data, dict) and "about" in data else data


@cache
def vocabulary() -> Vocabulary:
    """The vocabulary that ships with danqing."""
    folder = ROOT / "src/danqing/assets/tokenizer"
    return read_vocabulary(folder / "vocab.json", folder / "merges.txt")
