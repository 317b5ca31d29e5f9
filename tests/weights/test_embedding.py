"""Textual inversion: the same vectors out of every container, and in the encoder's input at their place."""

import base64
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from torch import Tensor

from danqing.base.errors import ModelError
from danqing.base.refs import ModelRef
from danqing.weights.embedding import Embedding, injected, read_embedding
from danqing.weights.model import DiffusionModel
from danqing.weights.place import Place
from danqing.weights.save import write_tensors
from danqing.weights.shelf import Shelf
from tests.toy.fixtures import FolderCatalog
from tests.toy.model import TOY_FAMILIES, WIDTH

VECTORS = torch.arange(3.0 * 768).view(3, 768) / 1000


def a1111_pickle(path: Path, vectors: Tensor) -> None:
    torch.save(
        {
            "string_to_token": {"*": 265},
            "string_to_param": {"*": torch.nn.Parameter(vectors)},
            "name": "x",
            "step": 500,
            "sd_checkpoint": None,
        },
        path,
    )


def a1111_parameter_dict(path: Path, vectors: Tensor) -> None:
    torch.save(
        {"string_to_token": {"*": torch.tensor(265)}, "string_to_param": {"*": vectors}},
        path,
        _use_new_zipfile_serialization=False,
    )


def kohya(path: Path, vectors: Tensor) -> None:
    write_tensors(path.with_suffix(".safetensors"), {"emb_params": vectors})


def diffusers_bin(path: Path, vectors: Tensor) -> None:
    torch.save({"<cat-toy>": vectors}, path.with_suffix(".bin"))


def diffusers_safetensors(path: Path, vectors: Tensor) -> None:
    write_tensors(path.with_suffix(".safetensors"), {"<cat-toy>": vectors})


def picture(path: Path, vectors: Tensor) -> None:
    text = json.dumps({"string_to_param": {"*": {"TORCHTENSOR": vectors.tolist()}}, "name": "x", "step": 500})
    info = PngInfo()
    info.add_text("sd-ti-embedding", base64.b64encode(text.encode()).decode())
    Image.new("RGB", (8, 8)).save(path.with_suffix(".png"), pnginfo=info)


WRITERS = [a1111_pickle, a1111_parameter_dict, kohya, diffusers_bin, diffusers_safetensors, picture]


@pytest.mark.parametrize("write", WRITERS)
def test_every_container_gives_the_same_vectors(write: Callable[[Path, Tensor], None], tmp_path: Path) -> None:
    write(tmp_path / "word.pt", VECTORS)
    path = next(tmp_path.iterdir())
    embedding = read_embedding(path)
    assert (embedding.name, embedding.count) == ("word", 3)
    assert torch.allclose(embedding.vectors[0], VECTORS)


def test_a_single_vector_may_come_flat(tmp_path: Path) -> None:
    diffusers_bin(tmp_path / "word", VECTORS[0])
    assert read_embedding(tmp_path / "word.bin").vectors[0].shape == (1, 768)


def test_an_sdxl_pair_has_vectors_for_both_encoders(tmp_path: Path) -> None:
    write_tensors(tmp_path / "word.safetensors", {"clip_g": torch.ones(2, 1280), "clip_l": torch.ones(2, 768)})
    assert [one.shape[1] for one in read_embedding(tmp_path / "word.safetensors").vectors] == [768, 1280]
    write_tensors(tmp_path / "torn.safetensors", {"clip_g": torch.ones(2, 1280), "clip_l": torch.ones(3, 768)})
    with pytest.raises(ModelError, match="different numbers of vectors"):
        read_embedding(tmp_path / "torn.safetensors")


def test_what_is_none_is_said(tmp_path: Path) -> None:
    write_tensors(tmp_path / "x.safetensors", {"a": torch.ones(2, 3), "b": torch.ones(2, 3)})
    with pytest.raises(ModelError, match="no textual inversion"):
        read_embedding(tmp_path / "x.safetensors")
    write_tensors(tmp_path / "y.safetensors", {"a": torch.ones(2, 3, 4)})
    with pytest.raises(ModelError, match="no textual inversion"):
        read_embedding(tmp_path / "y.safetensors")
    Image.new("RGB", (8, 8)).save(tmp_path / "plain.png")
    with pytest.raises(ModelError, match="no embedding in this picture"):
        read_embedding(tmp_path / "plain.png")
    info = PngInfo()
    info.add_text("sd-ti-embedding", "bm8=")
    Image.new("RGB", (8, 8)).save(tmp_path / "bad.png", pnginfo=info)
    with pytest.raises(ModelError, match="damaged"):
        read_embedding(tmp_path / "bad.png")


def test_one_for_another_family_is_refused_with_words_that_say_for_which(toy_model: DiffusionModel) -> None:
    with pytest.raises(ModelError, match=r"word: textual inversion for text 768 wide, but 'toy' \(toy\) reads 8"):
        Embedding("word", (VECTORS,)).vectors_for(toy_model)


def test_its_vectors_stand_in_the_encoders_input_at_their_place(toy_model: DiffusionModel) -> None:
    encoder = toy_model.text_encoders[0]
    tokens = torch.full((2, 77), 320)
    tokens[:, 5:7] = 0
    vectors = encoder.get_input_embeddings().weight[[1000, 2000]].clone()
    (own,) = Embedding("word", (vectors,)).vectors_for(toy_model)
    with torch.inference_mode():
        plain = encoder(tokens).last_hidden_state
        with injected(encoder, [(1, 5, own)]):
            filled = encoder(tokens).last_hidden_state
        tokens[1, 5], tokens[1, 6] = 1000, 2000
        assert torch.equal(filled, encoder(tokens).last_hidden_state)
        tokens[1, 5:7] = 0
        assert torch.equal(plain, encoder(tokens).last_hidden_state)


def test_vectors_beyond_the_end_of_a_row_are_cut(toy_model: DiffusionModel) -> None:
    encoder = toy_model.text_encoders[0]
    with torch.inference_mode(), injected(encoder, [(0, 75, torch.zeros(9, WIDTH))]):
        assert encoder(torch.zeros(1, 77, dtype=torch.long)).last_hidden_state.shape == (1, 77, WIDTH)


def test_the_shelf_reads_an_embedding_once(tmp_path: Path) -> None:
    write_tensors(tmp_path / "word.safetensors", {"emb_params": torch.ones(2, WIDTH)})
    shelf = Shelf(FolderCatalog(tmp_path), Place(), families=TOY_FAMILIES)
    assert shelf.embedding(ModelRef(name="word")) is shelf.embedding(ModelRef(name="word"))
