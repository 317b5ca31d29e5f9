from danqing.studio.salvage import salvage


def test_values_before_and_after_the_damage_are_found() -> None:
    text = '{"one": 1,, "two": [1, "b"] "three": {"x": null}, oops "four": tru'
    assert salvage(text, ["one", "two", "three", "four", "five"]) == {"one": 1, "two": [1, "b"], "three": {"x": None}}


def test_the_last_of_two_counts() -> None:
    assert salvage('{"one": 1, "one": 2', ["one"]) == {"one": 2}


def test_a_cut_value_does_not_hide_an_earlier_whole_one() -> None:
    assert salvage('{"one": 1, "one": "cu', ["one"]) == {"one": 1}
