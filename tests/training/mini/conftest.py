import shutil
from pathlib import Path

import pytest

from danqing.base.progress import Verdict
from danqing.training.mini.dataset import build_dataset
from danqing.training.mini.plans import read_plan
from danqing.training.mini.train import train
from danqing.training.mini.world import World, load_world
from tests.training.mini.drawn import SMALL, DrawnSprites


@pytest.fixture(scope="session")
def world() -> World:
    return load_world()


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A work folder with a data set of a few dozen pictures. Tests must leave it as it is."""
    work = tmp_path_factory.mktemp("work")
    build_dataset(work, SMALL, seed=1, sprites=DrawnSprites(), processes=1)
    return work


@pytest.fixture(scope="session")
def trained(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A work folder in which every part has been taught. Tests must leave it as it is."""
    work = tmp_path_factory.mktemp("trained") / "work"
    shutil.copytree(built, work)
    assert train(read_plan("toy"), work, device="cpu") is Verdict.CONTINUE
    return work
