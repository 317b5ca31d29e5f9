import hashlib
import pickle
import shutil
from pathlib import Path

import pytest

from danqing.base.errors import HostileFileError, ModelError
from danqing.base.refs import ModelRef
from danqing.studio.catalog import FolderCatalog
from danqing.studio.home import ModelFolder
from danqing.weights.hashes import HashCache
from tests.studio.files import EMBEDDING, LORA, write_safetensors
from tests.toy.model import write_toy_folder


class Models:
    """A models folder and catalogs over it."""

    def __init__(self, root: Path, embedded: Path) -> None:
        self.root = root
        self.embedded = embedded
        for name in ("checkpoint", "lora", "vae"):
            (root / name).mkdir(parents=True)

    def catalog(self, default_model: str = "") -> FolderCatalog:
        folders = [ModelFolder(self.root / kind, kind) for kind in ("checkpoint", "lora", "vae")]
        hashes = HashCache(self.root / "hashes.json")
        return FolderCatalog(folders, hashes, embedded=self.embedded, default_model=default_model)


@pytest.fixture(scope="module")
def other_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_toy_folder(tmp_path_factory.mktemp("other") / "other", seed=1)


@pytest.fixture
def models(tmp_path: Path, toy_folder: Path) -> Models:
    return Models(tmp_path / "models", toy_folder)


class Hostile:
    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (self.mark,))


def test_the_embedded_model_is_the_default_of_an_empty_folder(models: Models) -> None:
    file = models.catalog().find(ModelRef())
    assert (file.name, file.path, file.kind) == ("toy", models.embedded, "checkpoint")
    assert len(file.sha256) == 64
    assert file.title == f"toy [{file.sha256[:10]}]"


def test_a_checkpoint_in_the_folder_comes_before_the_embedded_one(models: Models, other_folder: Path) -> None:
    (models.root / "checkpoint" / "zebra").symlink_to(other_folder)
    catalog = models.catalog()
    assert catalog.find(ModelRef()).name == "zebra"
    assert [file.name for file in catalog.list("checkpoint")] == ["zebra", "toy"]


def test_the_setting_names_the_default(models: Models, other_folder: Path) -> None:
    (models.root / "checkpoint" / "zebra").symlink_to(other_folder)
    assert models.catalog("toy").find(ModelRef()).name == "toy"


def test_a_default_that_is_not_there_is_told_as_the_setting(models: Models) -> None:
    with pytest.raises(ModelError, match=r"default_model.*'toyy'.*did you mean toy"):
        models.catalog("toyy").find(ModelRef())


def test_a_damaged_checkpoint_is_never_the_default(models: Models) -> None:
    (models.root / "checkpoint" / "a.safetensors").write_bytes(b"\x10\0\0\0\0\0\0\0{damaged")
    assert models.catalog().find(ModelRef()).name == "toy"


def test_the_usual_values_are_the_familys(models: Models) -> None:
    usual = models.catalog().find(ModelRef()).usual
    assert usual["width"] == 128
    assert {"height", "steps", "cfg_scale", "clip_skip"} <= set(usual)


def test_a_missing_name_is_told_with_its_neighbour_and_the_place(models: Models) -> None:
    write_safetensors(models.root / "lora" / "watercolour.safetensors", LORA)
    with pytest.raises(ModelError, match=r"no lora named 'watercolor'; did you mean watercolour\? .*models/Lora"):
        models.catalog().find(ModelRef(name="watercolor"), "lora")


def test_part_of_a_title_means_the_checkpoint_with_the_shortest(models: Models, other_folder: Path) -> None:
    for name in ("anything-v3-pruned", "anything-v3"):
        (models.root / "checkpoint" / name).symlink_to(other_folder)
    assert models.catalog().find(ModelRef(name="thing")).name == "anything-v3"


def test_part_of_a_name_is_no_lora(models: Models) -> None:
    write_safetensors(models.root / "lora" / "ink-style.safetensors", LORA)
    with pytest.raises(ModelError):
        models.catalog().find(ModelRef(name="ink"), "lora")


def test_a_title_with_its_hash_finds_the_file(models: Models) -> None:
    catalog = models.catalog()
    title = catalog.find(ModelRef(name="toy")).title
    assert catalog.find(ModelRef(name=title)).name == "toy"


def test_a_strange_hash_in_a_title_is_ignored_as_a1111_does(models: Models) -> None:
    assert models.catalog().find(ModelRef(name="toy [0123456789]")).name == "toy"


def test_a_hash_alone_finds_the_file_under_any_name(models: Models) -> None:
    catalog = models.catalog()
    sha256 = catalog.find(ModelRef()).sha256
    for ref in (ModelRef(sha256=sha256), ModelRef(sha256=sha256[:10]), ModelRef(name=sha256[:10])):
        assert catalog.find(ref).name == "toy"
    assert catalog.find(ModelRef(name="renamed-since", sha256=sha256)).name == "toy"


def test_of_two_files_of_one_name_the_hash_decides(models: Models, other_folder: Path) -> None:
    shutil.copytree(other_folder, models.root / "checkpoint" / "toy")
    catalog = models.catalog()
    embedded = models.catalog().find(ModelRef(sha256=HashCache(models.root / "h.json").sha256(models.embedded)))
    assert catalog.find(ModelRef(name="toy")).path == models.root / "checkpoint" / "toy"
    assert catalog.find(ModelRef(name="toy", sha256=embedded.sha256)).path == models.embedded


def test_another_file_of_the_same_name_is_not_taken_for_the_right_one(models: Models) -> None:
    with pytest.raises(ModelError, match=r"'toy' that is here has the hash .* but 0000000000 is asked for"):
        models.catalog().find(ModelRef(name="toy", sha256="0" * 64))


@pytest.mark.parametrize("name", ["big", "", "renamed-since"])
def test_the_old_hash_of_a1111_finds_a_file_under_any_name(models: Models, name: str) -> None:
    path = write_safetensors(models.root / "lora" / "big.safetensors", {**LORA, "filler.lora_up.weight": (600_000, 1)})
    write_safetensors(models.root / "lora" / "a-small.safetensors", LORA)
    with path.open("rb") as file:
        file.seek(0x100000)
        old = hashlib.sha256(file.read(0x10000)).hexdigest()[:8]
    assert models.catalog().find(ModelRef(name=name, sha256=old), "lora").path == path


def test_the_old_hash_that_all_small_files_would_share_means_none(models: Models) -> None:
    write_safetensors(models.root / "lora" / "small.safetensors", LORA)
    with pytest.raises(ModelError, match=r"no lora named '\[e3b0c44298\]'"):
        models.catalog().find(ModelRef(sha256=hashlib.sha256(b"").hexdigest()), "lora")
    with pytest.raises(ModelError, match="no lora named"):
        models.catalog().find(ModelRef(sha256=hashlib.sha256(b"").hexdigest()[:8]), "lora")


def test_the_new_hash_of_a1111_finds_a_file_that_nobody_has_hashed(models: Models) -> None:
    path = write_safetensors(models.root / "lora" / "ink.safetensors", LORA)
    new = hashlib.sha256(path.read_bytes()).hexdigest()[:10]
    assert models.catalog().find(ModelRef(sha256=new), "lora").path == path
    assert models.catalog().find(ModelRef(name="ink", sha256=new), "lora").path == path


def test_a_lora_goes_by_the_name_that_its_trainer_gave_it(models: Models) -> None:
    path = write_safetensors(models.root / "lora" / "v12.safetensors", LORA, {"ss_output_name": "ink wash"})
    catalog = models.catalog()
    assert catalog.find(ModelRef(name="Ink Wash"), "lora").path == path
    assert catalog.has("ink wash", "lora")
    assert not catalog.has("ink", "lora")


def test_a_name_that_two_trainers_gave_means_neither(models: Models) -> None:
    for name in ("a", "b"):
        write_safetensors(models.root / "lora" / f"{name}.safetensors", LORA, {"ss_output_name": "ink"})
    assert not models.catalog().has("ink", "lora")
    assert models.catalog().has("a", "lora")


def test_the_lora_hash_of_a1111_finds_a_file(models: Models) -> None:
    path = write_safetensors(models.root / "lora" / "ink.safetensors", LORA)
    data = path.read_bytes()
    payload = data[8 + int.from_bytes(data[:8], "little") :]
    assert (
        models.catalog().find(ModelRef(name="ink", sha256=hashlib.sha256(payload).hexdigest()[:12]), "lora").path
        == path
    )


def test_a_file_in_the_wrong_folder_is_found_where_it_lies(models: Models) -> None:
    write_safetensors(models.root / "checkpoint" / "ink.safetensors", LORA)
    assert models.catalog().find(ModelRef(name="ink"), "lora").kind == "lora"


def test_a_lora_is_not_taken_for_a_checkpoint(models: Models) -> None:
    write_safetensors(models.root / "checkpoint" / "ink.safetensors", LORA)
    with pytest.raises(ModelError, match=r"is a lora, not a checkpoint \(LoRA for SD 1.*move it to models/Lora"):
        models.catalog().find(ModelRef(name="ink"))


def test_a_file_of_no_known_kind_says_what_is_in_it(models: Models) -> None:
    write_safetensors(models.root / "checkpoint" / "odd.safetensors", {"what.is.this": (2, 2)})
    with pytest.raises(ModelError, match=r"odd.safetensors: 1 tensors of no known kind"):
        models.catalog().find(ModelRef(name="odd"))


def test_a_hostile_pickle_is_refused_and_never_run(models: Models, tmp_path: Path) -> None:
    mark = tmp_path / "it ran"
    (models.root / "checkpoint" / "evil.ckpt").write_bytes(pickle.dumps(Hostile(mark)))
    catalog = models.catalog()
    with pytest.raises((HostileFileError, ModelError), match=r"evil"):
        catalog.find(ModelRef(name="evil"))
    shown = {listed.file.name: listed for listed in catalog.listing()}
    assert not shown["evil"].usable
    assert shown["evil"].note
    assert shown["toy"].usable
    assert not mark.exists()


def test_listing_works_out_no_hashes(models: Models) -> None:
    write_safetensors(models.root / "lora" / "ink.safetensors", LORA)
    catalog = models.catalog()
    assert {file.name: file.sha256 for file in catalog.list()} == {"ink": "", "toy": ""}
    known = catalog.find(ModelRef(name="ink"), "lora").sha256
    assert {file.name: file.sha256 for file in models.catalog().list("lora")} == {"ink": known}


def test_a_list_of_one_kind_goes_by_what_the_headers_say(models: Models) -> None:
    write_safetensors(models.root / "lora" / "ink.safetensors", LORA)
    write_safetensors(models.root / "lora" / "bad-artist.safetensors", EMBEDDING)
    catalog = models.catalog()
    assert [file.name for file in catalog.list("lora")] == ["ink"]
    assert [(file.name, file.family) for file in catalog.list("embedding")] == [("bad-artist", "sd1")]


def test_new_files_are_seen_after_a_refresh(models: Models) -> None:
    catalog = models.catalog()
    assert [file.name for file in catalog.list()] == ["toy"]
    write_safetensors(models.root / "lora" / "ink.safetensors", LORA)
    catalog.refresh()
    assert [file.name for file in catalog.list()] == ["ink", "toy"]


def test_a_file_that_came_since_is_found_by_name_without_a_refresh(models: Models) -> None:
    catalog = models.catalog()
    assert [file.name for file in catalog.list("lora")] == []
    write_safetensors(models.root / "lora" / "ink.safetensors", LORA)
    assert catalog.find(ModelRef(name="ink"), "lora").name == "ink"
    with pytest.raises(ModelError, match="no lora named 'pen'"):
        catalog.find(ModelRef(name="pen"), "lora")


def test_a_default_that_went_since_gives_way_to_the_next(models: Models, other_folder: Path) -> None:
    newcomer = models.root / "checkpoint" / "a-newcomer"
    newcomer.symlink_to(other_folder, target_is_directory=True)
    catalog = models.catalog()
    assert catalog.find(ModelRef()).name == "a-newcomer"
    newcomer.unlink()
    assert catalog.find(ModelRef()).name != "a-newcomer"


def test_looking_up_finds_damaged_files_too(models: Models) -> None:
    (models.root / "lora" / "broken.safetensors").write_bytes(b"")
    listed = models.catalog().look_up("broken")
    assert not listed.usable
    assert "empty" in listed.note


def test_without_any_checkpoint_the_place_to_put_one_is_told(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"models/Stable-diffusion"):
        FolderCatalog([], HashCache(tmp_path / "hashes.json")).find(ModelRef())
