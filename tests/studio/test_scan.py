from pathlib import Path

from danqing.studio.home import ModelFolder
from danqing.studio.scan import entries_in


def touch(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def test_model_files_are_listed_by_label_below_their_folder(tmp_path: Path) -> None:
    touch(tmp_path, "b.safetensors", "A.ckpt", "sub/c.safetensors", "notes.txt", ".hidden.safetensors", "a.preview.png")
    entries = entries_in([ModelFolder(tmp_path, "checkpoint")])
    assert [(entry.label, entry.name) for entry in entries] == [
        ("A.ckpt", "A"),
        ("b.safetensors", "b"),
        ("sub/c.safetensors", "c"),
    ]


def test_a_vae_beside_its_checkpoint_is_a_vae(tmp_path: Path) -> None:
    touch(tmp_path, "anything.vae.safetensors", "anything.vae.pt", "anything.safetensors")
    kinds = {entry.label: entry.kind for entry in entries_in([ModelFolder(tmp_path, "checkpoint")])}
    assert kinds == {"anything.vae.safetensors": "vae", "anything.vae.pt": "vae", "anything.safetensors": "checkpoint"}


def test_a_diffusers_folder_is_one_model(tmp_path: Path) -> None:
    touch(tmp_path, "mine/model_index.json", "mine/unet/diffusion_pytorch_model.safetensors")
    assert [(entry.label, entry.kind) for entry in entries_in([ModelFolder(tmp_path, "checkpoint")])] == [
        ("mine", "checkpoint")
    ]


def test_a_dot_in_a_name_is_no_ending(tmp_path: Path) -> None:
    touch(tmp_path, "model-v1.5.safetensors")
    assert [entry.name for entry in entries_in([ModelFolder(tmp_path, "lora")])] == ["model-v1.5"]


def test_a_link_that_leads_in_a_circle_ends(tmp_path: Path) -> None:
    touch(tmp_path, "one/a.safetensors")
    (tmp_path / "one" / "again").symlink_to(tmp_path, target_is_directory=True)
    assert [entry.label for entry in entries_in([ModelFolder(tmp_path, "lora")])] == ["one/a.safetensors"]
