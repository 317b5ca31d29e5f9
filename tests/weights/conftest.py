"""A shelf over a folder of one's own, for tests that add files to it."""

from pathlib import Path

import pytest

from danqing.weights.place import Place
from danqing.weights.shelf import Shelf
from tests.toy.fixtures import FolderCatalog
from tests.toy.model import TOY_FAMILIES


@pytest.fixture
def own_folder(toy_folder: Path, tmp_path: Path) -> Path:
    """A folder with the toy model, to which more may be written."""
    folder = tmp_path / "models"
    folder.mkdir()
    (folder / "toy").symlink_to(toy_folder, target_is_directory=True)
    return folder


@pytest.fixture
def own_shelf(own_folder: Path) -> Shelf:
    """A shelf over that folder, empty."""
    return Shelf(FolderCatalog(own_folder), Place(), families=TOY_FAMILIES)
