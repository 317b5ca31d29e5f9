from datetime import UTC, datetime

import pytest

from danqing.base.picture import ExecutionFacts
from danqing.studio.names import TOKENS, folder_parts, legal, name_of
from tests.studio.pictures import picture_of

NOW = datetime(2026, 11, 21, 4, 5, 6, tzinfo=UTC)
PICTURE = picture_of(
    ExecutionFacts(batch_size=4, batch_index=2),
    index=6,
    prompt='a (red:1.2) "apple", on/a table',
    negative_prompt="ugly",
    seed=7,
    steps=12,
    cfg_scale=4.0,
    sampler="Euler a",
    schedule="Karras",
)


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("[seed]", "7"),
        ("[SEED]-[steps]-[cfg]", "7-12-4"),
        ("[width]x[height]", "16x8"),
        ("[sampler] [scheduler]", "Euler a Karras"),
        ("[sampler_scheduler]", "Euler a Karras"),
        ("[model_name] [model_hash]", "toy ababababab"),
        ("[vae_filename]-[clip_skip]", "none-1"),
        ("[date]", "2026-11-21"),
        ("[datetime]", "20261121040506"),
        ("[datetime<%Y_%m>]", "2026_11"),
        ("[datetime<%H><Europe/Berlin>]", "04"),
        ("[job_timestamp]", "20261121040506"),
        ("[prompt_spaces]", "a (red_1.2) _apple_, on_a table"),
        ("[prompt]", "a_(red_1.2)__apple_,_on_a_table"),
        ("[prompt_words]", "a red 1 2 _apple_ on_a table"),
        ("[batch_number]/[batch_size]", "3_4"),
        ("[generation_number]", "7"),
        ("[hasprompt<apple|none><pear|pearless>]", "applepearless"),
        ("[none]x", "x"),
        ("[denoising]", ""),
        ("[nosuch]-[seed]", "[nosuch]-7"),
        ("[styles]", "[styles]"),
    ],
)
def test_a_pattern_is_filled_in(pattern: str, name: str) -> None:
    assert name_of(pattern, PICTURE, NOW) == name


def test_hashes_in_names_tell_prompts_apart() -> None:
    other = picture_of(prompt="a pear")
    assert name_of("[prompt_hash]", PICTURE, NOW) != name_of("[prompt_hash]", other, NOW)
    assert len(name_of("[prompt_hash]", PICTURE, NOW)) == 8
    assert len(name_of("[full_prompt_hash<12>]", PICTURE, NOW)) == 12
    assert len(name_of("[image_hash<10>]", PICTURE, NOW)) == 10


@pytest.mark.parametrize("word", list(TOKENS))
def test_every_word_gives_a_legal_name(word: str) -> None:
    assert "/" not in name_of(f"x[{word}]", PICTURE, NOW)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ('a/b\\c:d*e?f"g<h>i|j#k\nl\tm', "a_b_c_d_e_f_g_h_i_j_k_l_m"),
        ("  leading", "leading"),
        ("trailing. .", "trailing"),
        ("nul", "_nul"),
        ("COM1.txt", "_COM1.txt"),
        ("console", "console"),
        ("丹青", "丹青"),
        ("\0null", "_null"),
        ("\ud800", "?"),
    ],
)
def test_a_name_is_one_that_every_system_takes(text: str, name: str) -> None:
    assert legal(text) == name


def test_a_name_is_not_too_long_in_letters_or_bytes() -> None:
    assert len(legal("x" * 500)) == 128
    assert len(legal("丹" * 500).encode()) <= 240


def test_a_folder_pattern_never_leads_out_of_its_folder() -> None:
    assert folder_parts("[model_name]/../[date]//.\\x", PICTURE, NOW) == ["toy", "2026-11-21", "x"]
    evil = picture_of(model={"name": "../../etc"})
    assert folder_parts("[model_name]", evil, NOW) == [".._.._etc"]
