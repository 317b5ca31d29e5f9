"""The home folder: where a studio keeps models, pictures and settings, by A1111's names; ComfyUI's are understood."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from danqing.base.protocols import ModelKind
from danqing.studio.comfy_paths import folders_of_comfy_paths
from danqing.studio.writable import make_folder

MODEL_FOLDERS: Mapping[str, ModelKind] = MappingProxyType(
    {
        "models/Stable-diffusion": "checkpoint",
        "models/checkpoints": "checkpoint",
        "models/VAE": "vae",
        "models/vae": "vae",
        "models/Lora": "lora",
        "models/LyCORIS": "lora",
        "models/loras": "lora",
        "embeddings": "embedding",
        "models/embeddings": "embedding",
        "models/hypernetworks": "hypernet",
        "extensions/sd-webui-controlnet/models": "controlnet",
        "models/ControlNet": "controlnet",
        "models/controlnet": "controlnet",
        "models/t2i_adapter": "controlnet",
        "models/ESRGAN": "upscaler",
        "models/RealESRGAN": "upscaler",
        "models/SwinIR": "upscaler",
        "models/DAT": "upscaler",
        "models/upscale_models": "upscaler",
    }
)
"""Folders of an A1111 or ComfyUI install that hold models, and what lies in them."""

OWN_FOLDERS = (
    "models/Stable-diffusion",
    "models/VAE",
    "models/Lora",
    "models/hypernetworks",
    "models/ESRGAN",
    "embeddings",
    "extensions/sd-webui-controlnet/models",
    "wildcards",
    "presets",
    "outputs",
)
"""What a new home gets, so that people see where things go."""


@dataclass(frozen=True)
class ModelFolder:
    """A folder to look for models in; `kind` is what its name promises ("unknown" when it promises nothing)."""

    path: Path
    kind: ModelKind


@dataclass(frozen=True)
class Home:
    """The places in one home folder."""

    root: Path

    @property
    def settings_file(self) -> Path:
        return self.root / "settings.json"

    @property
    def styles_file(self) -> Path:
        return self.root / "styles.csv"

    @property
    def wildcards(self) -> Path:
        return self.root / "wildcards"

    @property
    def presets(self) -> Path:
        """The user's own preset files."""
        return self.root / "presets"

    @property
    def inputs(self) -> Path:
        """Input pictures by their sha256."""
        return self.root / "inputs"

    @property
    def cache(self) -> Path:
        """What can be worked out again: hashes, families of model files."""
        return self.root / "cache"

    @property
    def trainings(self) -> Path:
        """One folder a training: data, states, records."""
        return self.root / "training"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    def make_folders(self) -> None:
        """The folders people put things in. Raises FileWriteError where that isn't allowed."""
        for name in OWN_FOLDERS:
            make_folder(self.root / name)


def default_home(environment: Mapping[str, str]) -> Path:
    """DANQING_HOME, else the folder "danqing" in the user's own: one that is seen, for models are put there by hand."""
    named = environment.get("DANQING_HOME", "").strip()
    return Path(named).expanduser() if named else Path.home() / "danqing"


def model_folders(home: Home, models_from: Iterable[Path] = ()) -> list[ModelFolder]:
    """The folders that are there, home's first; each once, whatever the file system thinks of capitals."""
    found = [*_folders_below(home.root)]
    for path in models_from:
        found.extend(_folders_of_install(path))
    seen: set[tuple[int, int]] = set()
    once: list[ModelFolder] = []
    for folder in found:
        state = folder.path.stat()
        if (state.st_dev, state.st_ino) not in seen:
            seen.add((state.st_dev, state.st_ino))
            once.append(folder)
    return once


def _folders_of_install(path: Path) -> Iterator[ModelFolder]:
    """`path` may be an install, ComfyUI's portable folder around one, its models folder, or just a folder of files."""
    roots = [path, path / "ComfyUI"]
    if (path.parent / "models").exists() and (path.parent / "models").samefile(path):
        roots.append(path.parent)
    found = [folder for root in roots for folder in _folders_below(root)]
    for root in roots:
        found.extend(
            ModelFolder(*pair) for pair in folders_of_comfy_paths(root / "extra_model_paths.yaml", _KIND_OF_NAME)
        )
    yield from found or [ModelFolder(path, "unknown")]


def _folders_below(root: Path) -> Iterator[ModelFolder]:
    for name, kind in MODEL_FOLDERS.items():
        path = root / name
        if path.is_dir():
            yield ModelFolder(path, kind)


_KIND_OF_NAME: Mapping[str, ModelKind] = MappingProxyType(
    {name.rpartition("/")[2]: kind for name, kind in MODEL_FOLDERS.items() if name.startswith("models/")}
)
