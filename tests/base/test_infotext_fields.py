"""Infotexts as people copy them: squeezed keys, Chinese headings, lost commas, lines broken anywhere, hostile lengths."""

import re
import time

import pytest

from danqing.base.infotext_a1111 import old_first_pass, pairs, present_fields
from danqing.base.infotext_fields import canonical_key, find_fields
from danqing.base.infotext_read import read_infotext

LINE = (
    "Steps: 30, Sampler: DDIM, CFG scale: 10, Seed: 1039378680, Size: 300x400, Model hash: 89d59c3dde, "
    "Model: final-pruned, Clip skip: 2, Hires upscale: 2, Hires upscaler: Latent, Denoising strength: 0.7"
)
TIDY = f"a man in a spacesuit, stars\nNegative prompt: ugly, blurry\n{LINE}"
PUBLISHED = r'\s*(\w[\w \-/]+):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)'
"""The pattern for one field that A1111's documents give; on hostile lines it takes hours."""
WANTED = read_infotext(TIDY).order

COPIES = {
    "as the notes have it": """a man in a spacesuit, stars
反向提示词：
ugly, blurry
Steps: 30, Sampler: DDIM, CFGscale: 10, Seed: 1039378680, Size: 300x400, Modelhash: 89d59c3dde, Model: final-pruned, Clipskip: 2

Hires upscale: 2, Hires upscaler: Latent Denoising strength: 0.7""",
    "headings over both, lines broken in mid-value": """正面提示词 (Prompt):
a man in a spacesuit, stars

【负面标签（Negative）】ugly, blurry

Steps: 30, Sampler: DDIM, CFGscale: 10, Seed: 1039378
680, Size: 300x4
00, Modelhash: 89d59c
3dde, Model: final-
pruned, Clipskip: 2, Hires up
scale: 2, Hires upscaler: La
tent, Denoising strength: 0.
7""",
    "full-width signs and a heading over the parameters": """正向关键词：a man in a spacesuit, stars
负面词
ugly, blurry
参数：
Steps：30，Sampler：DDIM，CFGscale：10，Seed：1039378680，
Size：300x400，Modelhash：89d59c3dde，Model：final-pruned，Clipskip：2

Hires upscale: 2, Hires upscaler: Latent
Denoising strength: 0.7""",
    "one line": f"a man in a spacesuit, stars Negative prompt: ugly, blurry {LINE}",
    "one parameter a line, steps not first": "a man in a spacesuit, stars\nNegativeprompt：ugly, blurry\nSampler: DDIM\n"
    + LINE.replace(" Sampler: DDIM,", "").replace(", ", "\n"),
    "Windows line ends and a byte order mark": "\ufeff" + TIDY.replace("\n", "\r\n"),
    "a line after the parameters": f"{TIDY}\nTemplate of the day",
    "spaces everywhere": TIDY.replace(LINE, LINE.replace(", ", "  ,   ")).replace("\n", "  \n  "),
    "all spaces lost": TIDY.replace(LINE, LINE.replace(" ", "")),
    "capitals lost": TIDY.replace(LINE, LINE.lower().replace("ddim", "DDIM")),
}


@pytest.mark.parametrize("text", COPIES.values(), ids=COPIES.keys())
def test_a_copied_text_asks_for_the_same_picture(text: str) -> None:
    assert read_infotext(text).order == WANTED


@pytest.mark.parametrize("at", range(6, len(LINE)))
def test_a_line_break_anywhere_in_the_parameters_changes_nothing(at: int) -> None:
    broken = TIDY.replace(LINE, f"{LINE[:at]}\n{LINE[at:]}")
    assert read_infotext(broken).order == WANTED


@pytest.mark.parametrize("at", [found.start() for found in re.finditer(",", LINE)])
def test_any_one_comma_may_be_lost(at: int) -> None:
    assert read_infotext(TIDY.replace(LINE, LINE[:at] + LINE[at + 1 :])).order == WANTED


def test_words_that_fit_nowhere_are_told() -> None:
    found = read_infotext(f"{TIDY}\nTemplate of the day")
    assert any("Template of the day" in note for note in found.notes)


def test_what_a_program_wrote_is_taken_word_for_word() -> None:
    text = (
        "反向提示词：不要\nModel: clay, Sampler: none\nSteps: 2, Sampler: Euler, Seed: 1, Size: 64x64, Version: v1.10.1"
    )
    recipe = read_infotext(text).order.recipe
    assert recipe.prompt == "反向提示词：不要\nModel: clay, Sampler: none"
    assert recipe.negative_prompt == ""


@pytest.mark.parametrize(
    "text", ["a: b, c: d, e: f", "style: ink, mood: calm\nlight: soft, lens: 50mm, time: dawn", ""]
)
def test_a_prompt_with_colons_is_a_prompt(text: str) -> None:
    found = find_fields(text)
    assert found.fields == {"Prompt": text, "Negative prompt": ""}
    assert not found.has_parameters


def test_a_quoted_value_may_hold_anything() -> None:
    line = 'Steps: 2, Sampler: Euler, Seed: 1, Hires prompt: "a, Seed: 9, (b:1.2)\\n\\"c\\"", Model: x\nClip skip: 2'
    fields = find_fields(f"p\n{line}").fields
    assert fields["Hires prompt"] == 'a, Seed: 9, (b:1.2)\n"c"'
    assert (fields["Seed"], fields["Model"], fields["Clip skip"]) == ("1", "x", "2")


@pytest.mark.parametrize(
    ("key", "wanted"),
    [
        ("CFGscale", "CFG scale"),
        ("Modelhash", "Model hash"),
        ("clip  skip", "Clip skip"),
        ("HIRES UPSCALER", "Hires upscaler"),
        ("Odd key", "Odd key"),
    ],
)
def test_keys_are_known_whatever_happened_to_their_spaces(key: str, wanted: str) -> None:
    assert canonical_key(key) == wanted


HOSTILE = {
    "letters": "a" * 10**6,
    "short keys": "a: " * 300_000,
    "open quotes": 'Steps: 1, Seed: 2, Size: 3, aa:"b,' + 'aa:"b,' * 150_000,
    "colons": ":" * 10**6,
    "steps": "Steps: 1, " * 100_000,
    "steps by line": "Steps: 1\n" * 100_000,
    "line breaks": "x\n" * 400_000 + LINE,
    "broken lines": LINE + "\nfoo" * 200_000,
    "keys without values": "Steps: 5, Sampler: x, Seed: 1, " + "Model: " * 150_000,
    "brackets": "(" * 100_000,
    "spaces": " " * 10**6 + "S " * 200_000,
    "headings": "反" * 300_000 + "（" * 300_000,
    "labels": "Negative prompt:" * 60_000,
    "quotes": '"' * 10**6,
    "escapes": LINE + ', aa:"' + '\\"' * 300_000,
    "nul bytes": "\0" * 10**6,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_megabyte_of_anything_is_read_quickly(text: str) -> None:
    started = time.process_time()
    find_fields(text)
    # A quadratic reader would take hours; the bound is wide for slow machines.
    assert time.process_time() - started < 5


def test_pairs_are_those_of_the_published_pattern() -> None:
    for line in (
        LINE,
        "a b:c,d",
        '  x y : "q, r", z9: 1',
        "a:b:c, dd: ee:ff, g",
        'kk:"unended, mm: 1',
        "--aa--: 1,, bb:",
        "- a/b: 2",
    ):
        assert list(pairs(line)) == re.findall(PUBLISHED, line)


@pytest.mark.parametrize(
    ("size", "first"), [((512, 512), (512, 512)), ((768, 1024), (448, 640)), ((2048, 512), (1024, 256))]
)
def test_old_first_passes_have_about_512_squared_pixels(size: tuple[int, int], first: tuple[int, int]) -> None:
    assert old_first_pass(*size) == first


def test_a1111s_own_reading_takes_only_the_last_line() -> None:
    assert present_fields(f"{TIDY}\nmore")["Negative prompt"].endswith("more")


@pytest.mark.parametrize(
    ("more", "by_steps"),
    [("Version: v1.9.4", True), ("Version: v1.10.1", False), ("Refiner switch by sampling steps: True", True)],
)
def test_a_refiner_switched_by_steps_before_a1111_1_10(more: str, by_steps: bool) -> None:
    text = f"a\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1, Size: 64x64, Refiner: y, Refiner switch at: 0.8, {more}"
    refiner = read_infotext(text).order.recipe.refiner
    assert refiner is not None
    assert refiner.by_steps is by_steps
