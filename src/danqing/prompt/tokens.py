"""CLIP's byte-level BPE: words to token ids, as the text encoders of Stable Diffusion learned them. It knows nothing of
weights or chunks."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

from danqing.base.errors import ModelError

# The markers of start and end are no words here: `<|endoftext|>` typed by a user is letters and signs, not the end.
WORDS = r"""'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"""
START_MARK = "<|startoftext|>"
END_MARK = "<|endoftext|>"


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """Token ids of one text encoder. `start` and `end` frame a chunk (49406 and 49407 for CLIP); `comma` is the id of a
    comma that ends a word."""

    start: int
    end: int
    comma: int
    size: int
    _tokenizer: Tokenizer

    def encode(self, text: str) -> list[int]:
        """Ids without start and end. Equal to transformers' CLIPTokenizer, but for its special tokens typed as text."""
        return self.encode_all([text])[0]

    def encode_all(self, texts: Sequence[str]) -> list[list[int]]:
        """Ids of several texts at once."""
        whole = [text.encode("utf-8", "replace").decode("utf-8") for text in texts]  # a lone surrogate becomes "?"
        return [encoded.ids for encoded in self._tokenizer.encode_batch_fast(whole, add_special_tokens=False)]

    def words(self, ids: Sequence[int]) -> list[str]:
        """The piece of text behind every id, for showing: 'cat</w>' ends a word."""
        return [self._tokenizer.id_to_token(token) or "" for token in ids]


def vocabulary_of(vocab: Mapping[str, int], merges: Sequence[tuple[str, str]]) -> Vocabulary:
    """A vocabulary from the contents of vocab.json and merges.txt. Raises ModelError when a piece is missing."""
    missing = [mark for mark in (START_MARK, END_MARK, ",</w>") if mark not in vocab]
    if missing:
        raise ModelError(f"the tokenizer's vocabulary has no {missing[0]!r}; a CLIP vocabulary is needed")
    ids = dict(vocab)
    try:
        pieces = models.BPE(vocab=ids, merges=list(merges), end_of_word_suffix="</w>", unk_token=END_MARK)
    except Exception as trouble:  # tokenizers raises no narrower one
        raise ModelError(f"the tokenizer's merges do not fit its vocabulary: {trouble}") from trouble
    tokenizer = Tokenizer(pieces)
    steps: list[normalizers.Normalizer] = [
        normalizers.NFC(),
        normalizers.Replace(Regex(r"\s+"), " "),
        normalizers.Lowercase(),
    ]
    tokenizer.normalizer = normalizers.Sequence(steps)
    split = pre_tokenizers.Split(Regex(WORDS), behavior="removed", invert=True)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([split, pre_tokenizers.ByteLevel(add_prefix_space=False)])
    return Vocabulary(ids[START_MARK], ids[END_MARK], ids[",</w>"], len(ids), tokenizer)


def read_vocabulary(vocab_file: Path, merges_file: Path) -> Vocabulary:
    """The vocabulary in vocab.json and merges.txt, as every diffusers folder has them."""
    try:
        vocab: dict[str, int] = json.loads(vocab_file.read_text(encoding="utf-8"))
        lines = merges_file.read_text(encoding="utf-8").split("\n")
    except (OSError, ValueError) as trouble:
        raise ModelError(f"can't read the tokenizer beside {vocab_file.name}: {trouble}") from trouble
    merges = [_pair(line) for line in lines if line.strip() and not line.startswith("#version")]
    return vocabulary_of(vocab, merges)


def _pair(line: str) -> tuple[str, str]:
    first, _, second = line.strip().partition(" ")
    return first, second
