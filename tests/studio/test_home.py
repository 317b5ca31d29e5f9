from pathlib import Path

import pytest

from danqing.base.errors import FileWriteError
from danqing.studio.home import MODEL_FOLDERS, Home, ModelFolder, default_home, model_folders


def test_the_variable_names_the_home(tmp_path: Path) -> None:
    assert default_home({"DANQING_HOME": str(tmp_path)}) == tmp_path
    assert default_home({"DANQING_HOME": "~/art"}) == Path.home() / "art"


def test_without_a_variable_the_home_can_be_seen() -> None:
    assert default_home({}) == Path.home() / "danqing"
    assert default_home({"DANQING_HOME": " "}) == Path.home() / "danqing"


def test_a_home_that_is_not_there_has_no_folders(tmp_path: Path) -> None:
    assert model_folders(Home(tmp_path / "none")) == []
    assert not (tmp_path / "none").exists()


def test_a_new_home_gets_the_folders_that_people_know(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.make_folders()
    home.make_folders()
    assert (home.root / "models" / "Stable-diffusion").is_dir()
    assert {folder.kind for folder in model_folders(home)} >= {"checkpoint", "lora", "vae", "embedding", "controlnet"}


def test_a_home_below_a_file_is_refused_plainly(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file", encoding="utf-8")
    with pytest.raises(FileWriteError, match=r"a file stands where a folder is needed"):
        Home(tmp_path / "home").make_folders()


@pytest.mark.parametrize(("name", "kind"), MODEL_FOLDERS.items())
def test_every_folder_name_of_an_install_is_understood(tmp_path: Path, name: str, kind: str) -> None:
    (tmp_path / "install" / name).mkdir(parents=True)
    folders = model_folders(Home(tmp_path / "home"), [tmp_path / "install"])
    assert [(folder.path.relative_to(tmp_path / "install").as_posix(), folder.kind) for folder in folders] == [
        (name, kind)
    ]


def test_the_home_comes_before_installs(tmp_path: Path) -> None:
    for root in ("home", "install"):
        (tmp_path / root / "models" / "Lora").mkdir(parents=True)
    folders = model_folders(Home(tmp_path / "home"), [tmp_path / "install"])
    assert [folder.path.relative_to(tmp_path).parts[0] for folder in folders] == ["home", "install"]


def test_a_folder_that_is_reached_twice_counts_once(tmp_path: Path) -> None:
    (tmp_path / "home" / "models" / "Lora").mkdir(parents=True)
    (tmp_path / "home" / "models" / "loras").symlink_to(tmp_path / "home" / "models" / "Lora")
    assert len(model_folders(Home(tmp_path / "home"), [tmp_path / "home"])) == 1


def test_the_models_folder_of_an_install_will_do(tmp_path: Path) -> None:
    (tmp_path / "webui" / "models" / "VAE").mkdir(parents=True)
    (tmp_path / "webui" / "embeddings").mkdir(parents=True)
    folders = model_folders(Home(tmp_path / "home"), [tmp_path / "webui" / "models"])
    assert {folder.kind for folder in folders} == {"vae", "embedding"}


def test_the_portable_comfyui_is_found_within_its_wrapping(tmp_path: Path) -> None:
    (tmp_path / "portable" / "ComfyUI" / "models" / "checkpoints").mkdir(parents=True)
    folders = model_folders(Home(tmp_path / "home"), [tmp_path / "portable"])
    assert [folder.kind for folder in folders] == ["checkpoint"]


def test_just_a_folder_promises_nothing(tmp_path: Path) -> None:
    (tmp_path / "downloads").mkdir()
    folders = model_folders(Home(tmp_path / "home"), [tmp_path / "downloads"])
    assert folders == [ModelFolder(tmp_path / "downloads", "unknown")]


def test_the_extra_paths_of_a_comfyui_are_followed(tmp_path: Path) -> None:
    comfy = tmp_path / "ComfyUI"
    (comfy / "models" / "checkpoints").mkdir(parents=True)
    (tmp_path / "store" / "sd").mkdir(parents=True)
    (tmp_path / "store" / "l1").mkdir()
    (comfy / "extra_model_paths.yaml").write_text(
        "mine:\n  base_path: ../store\n  checkpoints: sd\n  loras: |\n    l1\n    not there\n  custom_nodes: nodes\n",
        "utf-8",
    )
    folders = model_folders(Home(tmp_path / "home"), [comfy])
    assert [(folder.path.name, folder.kind) for folder in folders] == [
        ("checkpoints", "checkpoint"),
        ("sd", "checkpoint"),
        ("l1", "lora"),
    ]


@pytest.mark.parametrize("text", ["{", "just text", "a: &a [*a]", "!!python/object/apply:os.system ['exit 3']", ""])
def test_damaged_extra_paths_are_passed_over(tmp_path: Path, text: str) -> None:
    (tmp_path / "models" / "loras").mkdir(parents=True)
    (tmp_path / "extra_model_paths.yaml").write_text(text, "utf-8")
    assert [folder.kind for folder in model_folders(Home(tmp_path / "home"), [tmp_path])] == ["lora"]
