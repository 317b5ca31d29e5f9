from pathlib import Path

import numpy as np
import pytest

from danqing.base.errors import ImageError
from danqing.base.refs import ImageRef
from danqing.pixels.files import write_picture
from danqing.studio.assets import ImageStore
from tests.studio.pictures import picture_of

PIXELS = picture_of().pixels


def test_a_picture_put_in_is_opened_by_its_hash(tmp_path: Path) -> None:
    write_picture(tmp_path / "fox.png", PIXELS)
    store = ImageStore(tmp_path / "inputs")
    ref = store.put(tmp_path / "fox.png")
    assert ref.name == "fox.png"
    assert np.array_equal(store.open(ref), PIXELS)
    (tmp_path / "fox.png").unlink()
    assert np.array_equal(store.open(ImageRef(sha256=ref.sha256)), PIXELS)


def test_the_same_bytes_are_kept_once(tmp_path: Path) -> None:
    store = ImageStore(tmp_path / "inputs")
    for name in ("one.png", "two.png"):
        write_picture(tmp_path / name, PIXELS)
        store.put(tmp_path / name)
    assert len([path for path in store.folder.rglob("*") if path.is_file()]) == 1


def test_what_is_no_picture_is_not_taken_in(tmp_path: Path) -> None:
    (tmp_path / "fox.png").write_text("no picture", encoding="utf-8")
    with pytest.raises(ImageError, match=r"fox.png"):
        ImageStore(tmp_path / "inputs").put(tmp_path / "fox.png")
    assert not (tmp_path / "inputs").exists()


@pytest.mark.parametrize("sha256", ["ab" * 32, "", "../../../etc/passwd", "*"])
def test_a_hash_that_is_not_here_is_told(tmp_path: Path, sha256: str) -> None:
    with pytest.raises(ImageError, match=r"not in this studio"):
        ImageStore(tmp_path / "inputs").open(ImageRef(sha256=sha256))
