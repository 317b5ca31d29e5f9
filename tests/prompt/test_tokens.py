import random
from pathlib import Path

import pytest

from danqing.base.errors import ModelError
from danqing.prompt.tokens import read_vocabulary, vocabulary_of
from tests.prompt.golden import ROOT, vocabulary

KINDS = [
    "abcdefghij klm,.' ",
    "0123456789",
    "ÀéÅ\u0301\u00a0\u3000中文한국😀👨‍👩‍👧‍👦\t\n\0",
    "ABC'S n't 're",
    "<|endoftx>",
    "İßŉ\u1e9e\u2028\x1c",
]


def test_a_cat_has_the_ids_that_clip_learned() -> None:
    assert vocabulary().encode("a photo of a cat") == [320, 1125, 539, 320, 2368]


def test_the_frame_of_a_chunk_is_known() -> None:
    words = vocabulary()
    assert (words.start, words.end, words.comma, words.size) == (49406, 49407, 267, 49408)


def test_any_text_has_the_ids_of_transformers() -> None:
    transformers = pytest.importorskip("transformers", reason="transformers is the oracle here")
    folder = ROOT / "src/danqing/assets/tokenizer"
    vocab, merges = str(folder / "vocab.json"), str(folder / "merges.txt")
    oracle = transformers.CLIPTokenizer(vocab=vocab, merges=merges)
    chance = random.Random(1)
    texts = ["".join(chance.choice(chance.choice(KINDS)) for _ in range(chance.randint(0, 40))) for _ in range(1000)]
    wrong = [text for text in texts if vocabulary().encode(text) != oracle(text, add_special_tokens=False).input_ids]
    assert wrong == []


@pytest.mark.parametrize("mark", ["<|endoftext|>", "<|startoftext|>"])
def test_a_special_token_typed_by_a_user_is_only_text(mark: str) -> None:
    ids = vocabulary().encode(f"a {mark} cat")
    assert len(ids) > 4
    assert not {49406, 49407} & set(ids)


def test_case_and_blanks_make_no_difference() -> None:
    assert vocabulary().encode("A\n\tBig   CAT") == vocabulary().encode("a big cat")


def test_the_pieces_of_a_word_can_be_shown() -> None:
    assert vocabulary().words(vocabulary().encode("a catapulting")) == ["a</w>", "catap", "ul", "ting</w>"]


def test_half_a_surrogate_is_no_trouble() -> None:
    assert vocabulary().encode("\ud800 cat")[-1] == 2368


def test_a_vocabulary_without_end_is_refused() -> None:
    with pytest.raises(ModelError, match="endoftext"):
        vocabulary_of({"<|startoftext|>": 0, ",</w>": 1}, [])


def test_merges_of_another_vocabulary_are_refused() -> None:
    with pytest.raises(ModelError, match="merges do not fit"):
        vocabulary_of({"<|startoftext|>": 0, "<|endoftext|>": 1, ",</w>": 2}, [("x", "y")])


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"vocab\.json"):
        read_vocabulary(tmp_path / "vocab.json", tmp_path / "merges.txt")
