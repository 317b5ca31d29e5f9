import pytest

from danqing.training.mini import dataset
from danqing.training.mini.dataset import read_split
from danqing.training.mini.lineart import read_lines
from tests.cli.conftest import Danqing
from tests.training.mini.drawn import SMALL, DrawnSprites


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command's own way, with drawn sprites instead of node's and a few dozen pictures."""
    monkeypatch.setattr(dataset, "install_renderers", lambda work: work / "node")
    monkeypatch.setattr(dataset, "RenderedSprites", lambda node, folder, world: DrawnSprites())
    monkeypatch.setattr(dataset, "SPLITS", SMALL[:4])
    monkeypatch.setattr(dataset, "LARGE_SPLITS", SMALL[4:])


@pytest.mark.usefixtures("drawn")
def test_the_data_set_lands_in_the_home_and_its_folder_is_printed(danqing: Danqing) -> None:
    ran = danqing("dataset", "mini", "--lineart", "--quiet")
    assert ran.code == 0, ran.err
    work = danqing.home / "training" / "mini"
    assert ran.out.strip() == str(work / "data")
    for split in SMALL:
        assert len(read_split(work, split.name)) == split.size
    assert read_lines(work, "train").shape == (24, 128, 128)


@pytest.mark.usefixtures("drawn")
def test_a_packed_data_set_is_unpacked_elsewhere_without_drawing(
    danqing: Danqing, monkeypatch: pytest.MonkeyPatch
) -> None:
    there, here, packed = (danqing.home / name for name in ("there", "here", "packed"))
    assert danqing("dataset", "mini", "--to", str(there), "--pack", str(packed), "--quiet").code == 0
    monkeypatch.setattr(dataset, "RenderedSprites", None)
    assert danqing("dataset", "mini", "--to", str(here), "--packed", str(packed), "--quiet").code == 0
    for split in SMALL:
        assert read_split(here, split.name).contents == read_split(there, split.name).contents
    assert read_split(here, "large").pictures.shape == (4, 128, 128, 3)


@pytest.mark.usefixtures("drawn")
def test_captions_are_written_anew_while_pictures_stay(danqing: Danqing, monkeypatch: pytest.MonkeyPatch) -> None:
    work = danqing.home / "work"
    assert danqing("dataset", "mini", "--to", str(work), "--quiet").code == 0
    before, pictures = read_split(work, "train"), work / "data" / "train_pictures.npy"
    stamp = pictures.stat().st_mtime_ns
    assert danqing("dataset", "mini", "--to", str(work), "--captions", "--quiet").code == 0
    assert read_split(work, "train").captions == before.captions
    names = DrawnSprites({"zh": dict.fromkeys(DrawnSprites().names["zh"], "新"), "ko": {**DrawnSprites().names["ko"]}})
    monkeypatch.setattr(dataset, "RenderedSprites", lambda node, folder, world: names)
    assert danqing("dataset", "mini", "--to", str(work), "--captions", "--quiet").code == 0
    after = read_split(work, "train")
    assert after.captions != before.captions
    assert [texts[:3] for texts in after.captions] == [texts[:3] for texts in before.captions]
    assert after.contents == before.contents
    assert pictures.stat().st_mtime_ns == stamp


def test_a_folder_without_a_packed_data_set_is_named(danqing: Danqing) -> None:
    ran = danqing("dataset", "mini", "--packed", str(danqing.home / "nothing"))
    assert ran.code == 2
    assert "holds no packed data set" in ran.err
