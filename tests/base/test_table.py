"""Tables: names found in any case, aliases followed, the nearest name offered."""

import pytest

from danqing.base.errors import ModelError, RecipeError
from danqing.base.table import Table, did_you_mean

COLOURS = Table("colour", {"Red": 1, "Green": 2}, {"rouge": "Red"})


@pytest.mark.parametrize(("word", "value"), [("Red", 1), ("red", 1), (" GREEN ", 2), ("Rouge", 1)])
def test_names_and_aliases_are_found_in_any_case(word: str, value: int) -> None:
    assert COLOURS.find(word) == value
    assert word in COLOURS


def test_the_nearest_name_is_offered() -> None:
    with pytest.raises(RecipeError, match=r"no colour named 'gren'; did you mean Green\?"):
        COLOURS.find("gren")


def test_without_a_near_name_the_possible_ones_are_listed() -> None:
    assert did_you_mean("xyz", ["b", "a"]) == "; possible: a, b"
    assert did_you_mean("xyz", []) == "; there is none"


def test_two_entries_of_one_name_are_refused() -> None:
    with pytest.raises(RecipeError, match="already"):
        COLOURS.with_entries({"Red": 3})
    assert COLOURS.with_entries({"Blue": 3}).find("blue") == 3
    assert "Blue" not in COLOURS


def test_a_table_raises_the_error_it_was_given() -> None:
    with pytest.raises(ModelError):
        Table("model", {}, error=ModelError).find("x")
