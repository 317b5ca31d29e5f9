"""Selectable scripts as orders."""

from itertools import count
from typing import Any

import pytest

from danqing.base.errors import DanqingError
from danqing.base.refs import ImageRef
from danqing.painting.axes import axis_kind
from danqing.painting.axes_table import NOT_HERE
from danqing.web.problems import NotYetError, Refused
from danqing.web.sdapi.asked import Asked
from danqing.web.sdapi.requests import ImageToImage, TextToImage
from danqing.web.sdapi.scripts import AXES, asked_of, axis_labels
from danqing.web.sdapi.titles import NOT_YET
from danqing.web.sdapi.translate import Around


def asked(name: str, *arguments: Any, **body: Any) -> Asked:
    drawn = count(100)
    request = TextToImage.model_validate({"seed": 7, "script_name": name, "script_args": list(arguments), **body})
    return asked_of(request, Around({}, lambda: next(drawn), lambda name: True))


def test_without_a_script_there_is_one_order() -> None:
    for name in ("", "None", None):
        found = asked_of(TextToImage(script_name=name), Around({}, lambda: 1, lambda name: True))
        assert (len(found.orders), found.sheet, found.alone) == (1, "", True)


def test_every_numbered_axis_is_one_that_danqing_knows_or_refuses_by_name() -> None:
    for label, _ in AXES:
        if label in NOT_HERE:
            with pytest.raises(DanqingError, match="turns nothing here"):
                axis_kind(label)
        else:
            assert axis_kind(label).name == label
    assert axis_labels(False)[4:7] == ["Steps", "Hires steps", "CFG Scale"]
    assert axis_labels(True)[4:7] == ["Steps", "CFG Scale", "Image CFG Scale"]


def test_x_y_and_z_become_axes_whose_last_runs_along_a_row() -> None:
    steps, scale = axis_labels(False).index("Steps"), axis_labels(False).index("CFG Scale")
    found = asked("X/Y/Z plot", steps, "2-4", [], scale, "5, 7.5", [], 0, "", [], False, True)
    (order,) = found.orders
    assert [(axis.knob, axis.values) for axis in order.axes] == [("CFG Scale", (5.0, 7.5)), ("Steps", (2, 3, 4))]
    assert (found.sheet, found.alone, found.legends) == ("axes", True, False)


def test_values_chosen_from_a_list_count_before_typed_ones() -> None:
    sampler = axis_labels(False).index("Sampler")
    (order,) = asked("x/y/z plot", sampler, "LMS", ["Euler", "Euler a"]).orders
    assert order.axes[0].values == ("Euler", "Euler a")


def test_a_prompt_matrix_is_every_choice_of_its_parts() -> None:
    found = asked("Prompt matrix", False, False, "positive", "comma", 0, prompt="a|b|c", n_iter=5)
    (order,) = found.orders
    assert (order.count, order.batch_size, found.sheet) == (1, 1, "square")
    assert order.axes[0].values == ("a", "a, b", "a, c", "a, b, c")
    at_start = asked("prompt matrix", True, True, "negative", "space", negative_prompt="a|b").orders
    assert [(one.recipe.negative_prompt, one.recipe.seed) for one in at_start] == [("a", 7), ("b a", 8)]


def test_prompts_from_file_are_an_order_a_line() -> None:
    lines = 'fox\n\n--prompt "red owl" --steps 3 --cfg_scale 4'
    found = asked("prompts from file or textbox", True, False, "end", lines, prompt="a", batch_size=2)
    told = [(one.recipe.prompt, one.recipe.steps, one.recipe.seed) for one in found.orders]
    assert told == [("a fox", 50, 7), ("a red owl", 3, 9)]


def test_lines_without_a_seed_draw_one_each_unless_told_otherwise() -> None:
    for same, seeds in ((False, 2), (True, 1)):
        found = asked("prompts from file or textbox", False, same, "start", "fox\nowl", seed=-1)
        assert len({one.recipe.seed for one in found.orders}) == seeds


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("no such script", []),
        ("sd upscale", []),  # only with a picture
        ("custom code", ["print(1)"]),
        ("x/y/z plot", []),
        ("x/y/z plot", [99, "1"]),
        ("x/y/z plot", [4, ""]),
        ("x/y/z plot", [{"a": 1}, "1"]),
        ("x/y/z plot", [4, "one"]),
        ("prompt matrix", []),
        ("prompts from file or textbox", []),
        ("prompts from file or textbox", [False, False, "start", "--no-such 3"]),
    ],
)
def test_what_a_script_cannot_do_is_refused(name: str, arguments: list[Any]) -> None:
    with pytest.raises(DanqingError):
        asked(name, *arguments)


@pytest.mark.parametrize("name", NOT_YET)
def test_scripts_to_come_are_refused_by_name(name: str) -> None:
    picture = ImageRef(sha256="a" * 64)
    with pytest.raises(NotYetError, match="yet"):
        asked_of(ImageToImage(script_name=name), Around({}, lambda: 1, lambda name: True, (picture,)))


def test_custom_code_is_never_run() -> None:
    with pytest.raises(Refused, match="never"):
        asked("custom code", "print(1)")
