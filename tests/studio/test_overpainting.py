"""Masks by words, and folders of pictures."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from danqing.base.errors import ImageError, RecipeError
from danqing.base.refs import ImageRef
from danqing.studio.assets import ImageStore
from danqing.studio.overpainting import mask_ref, pictures_of, size_over


@pytest.fixture
def store(tmp_path: Path) -> ImageStore:
    return ImageStore(tmp_path / "inputs")


@pytest.fixture
def picture(store: ImageStore) -> ImageRef:
    """Red, its upper left quarter transparent, a green square in the lower right."""
    pixels = np.full((40, 60, 4), 255, np.uint8)
    pixels[..., 1:3] = 0
    pixels[:20, :30, 3] = 0
    pixels[30:, 50:] = (0, 255, 0, 255)
    return store.keep(pixels, "picture")


def white(store: ImageStore, ref: ImageRef) -> list[tuple[int, int, int, int]]:
    """The box around what is white, as a list of one."""
    rows, columns = np.nonzero(store.open(ref)[..., 0] == 255)
    return [(int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1)]


@pytest.mark.parametrize(
    ("words", "box"),
    [
        ("alpha", (0, 0, 30, 20)),
        ("box:5,6,20,30", (5, 6, 20, 30)),
        ("box:50,30,500,300", (50, 30, 60, 40)),
        ("color:#00ff00", (50, 30, 60, 40)),
        ("color:lime,3", (50, 30, 60, 40)),
    ],
)
def test_words_become_masks(store: ImageStore, picture: ImageRef, words: str, box: tuple[int, int, int, int]) -> None:
    assert white(store, mask_ref(words, store, picture)) == [box]


def test_a_file_is_taken_as_it_is(store: ImageStore, picture: ImageRef, tmp_path: Path) -> None:
    Image.new("L", (60, 40), 255).save(tmp_path / "mask.png")
    assert white(store, mask_ref(str(tmp_path / "mask.png"), store, picture)) == [(0, 0, 60, 40)]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("box:1,2,3", "is no box"),
        ("box:9,9,1,1", "is no box"),
        ("box:a,b,c,d", "'a' is no number"),
        ("color:beige-ish", "no colour"),
    ],
)
def test_words_that_mean_no_mask_are_said(store: ImageStore, picture: ImageRef, words: str, said: str) -> None:
    with pytest.raises(RecipeError, match=said):
        mask_ref(words, store, picture)


def test_a_picture_without_transparency_has_no_mask_in_its_alpha(store: ImageStore) -> None:
    solid = store.keep(np.full((8, 8, 3), 9, np.uint8))
    with pytest.raises(RecipeError, match="nothing transparent"):
        mask_ref("alpha", store, solid)


def test_a_folder_gives_its_pictures_by_name(tmp_path: Path) -> None:
    for name in ("b.png", "a.jpg", "notes.txt"):
        (tmp_path / name).write_bytes(b"")
    assert [path.name for path in pictures_of(tmp_path)] == ["a.jpg", "b.png"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(ImageError, match="no pictures"):
        pictures_of(tmp_path / "empty")


@pytest.mark.parametrize(
    ("size", "painted"),
    [
        ((64, 48), (64, 48)),
        ((250, 131), (248, 128)),
        ((1024, 1024), (1024, 1024)),
        ((4000, 3000), (584, 440)),
        ((9, 700), (16, 696)),
    ],
)
def test_a_picture_keeps_its_size_unless_it_is_far_too_large(size: tuple[int, int], painted: tuple[int, int]) -> None:
    assert size_over(size, 512) == painted
