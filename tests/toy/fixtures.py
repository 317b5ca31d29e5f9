"""pytest fixtures around the toy model. `tests/conftest.py` makes them known with `from tests.toy.fixtures import *` or pytest_plugins."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from danqing.base.errors import ModelError
from danqing.base.protocols import ModelFile, ModelKind
from danqing.base.refs import ModelRef
from danqing.base.table import did_you_mean
from danqing.weights.detect import detect
from danqing.weights.hashes import sha256_of_model
from danqing.weights.loading import load_model
from danqing.weights.model import DiffusionModel
from danqing.weights.place import Place
from danqing.weights.shelf import Shelf
from tests.toy.model import TOY_FAMILIES, write_toy_folder

TOY_REF = ModelRef(name="toy")


@dataclass(frozen=True)
class FolderCatalog:
    """A catalog over one folder, everything in it found by its stem: what `studio` does, without its memory."""

    folder: Path

    def find(self, ref: ModelRef, kind: ModelKind = "checkpoint") -> ModelFile:
        """The file of that name and kind."""
        there = {file.name: file for file in self.list(kind)}
        if ref.name not in there:
            raise ModelError(f"no {kind} named {ref.name!r}{did_you_mean(ref.name, list(there))}")
        return replace(there[ref.name], sha256=sha256_of_model(there[ref.name].path))

    def list(self, kind: ModelKind | None = None) -> Iterable[ModelFile]:
        """All models in the folder."""
        for path in sorted(self.folder.iterdir()):
            found = detect(path, TOY_FAMILIES)
            if kind in (None, found.kind):
                yield ModelFile(path.stem, path, found.kind, found.family)


@pytest.fixture(scope="session")
def toy_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The toy model as a diffusers folder; never written to."""
    return write_toy_folder(tmp_path_factory.mktemp("toy") / "toy")


@pytest.fixture(scope="session")
def toy_model(toy_folder: Path) -> DiffusionModel:
    """The toy model, live, float32 on the CPU; for tests that don't change it."""
    return load_model(toy_folder, Place(), TOY_FAMILIES)


@pytest.fixture(scope="session")
def toy_catalog(toy_folder: Path) -> FolderCatalog:
    """A catalog that holds the toy model under the name "toy"."""
    return FolderCatalog(toy_folder.parent)


@pytest.fixture
def toy_shelf(toy_catalog: FolderCatalog) -> Shelf:
    """A shelf that knows the toy family, empty."""
    return Shelf(toy_catalog, Place(), families=TOY_FAMILIES)


@pytest.fixture
def toy_home(tmp_path: Path, toy_folder: Path) -> Path:
    """A home folder of one's own with the toy model as its only checkpoint."""
    models = tmp_path / "home" / "models" / "Stable-diffusion"
    models.mkdir(parents=True)
    (models / "toy").symlink_to(toy_folder, target_is_directory=True)
    return tmp_path / "home"
