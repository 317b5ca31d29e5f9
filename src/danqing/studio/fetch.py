"""`models get`: brings one model file to where it belongs. Nothing else in danqing fetches anything."""

import hashlib
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from danqing.base.errors import FileWriteError, ModelError
from danqing.base.protocols import ModelKind
from danqing.studio.catalog import PLACES
from danqing.studio.fetch_http import Downloaded, Reach, Told, download, forget, read_json, sha256_of_file
from danqing.studio.fetch_packs import Download, fetch_pack, find_pack, pip_download
from danqing.studio.fetch_places import Place, place_of
from danqing.studio.home import Home
from danqing.studio.names import legal
from danqing.studio.scan import ENDINGS
from danqing.studio.writable import make_folder, said_plainly
from danqing.weights.detect import Detection, detect
from danqing.weights.families import FAMILIES, Families
from danqing.weights.header import first_bytes
from danqing.weights.pickles import looks_like_pickle

PACK = "pack:"
OPEN_INTERNET = Reach()


@dataclass(frozen=True)
class Fetched:
    """A file that is where it belongs; `was_there` when it had been fetched before."""

    path: Path
    kind: ModelKind
    note: str
    sha256: str
    was_there: bool = False


@dataclass(frozen=True)
class Wanted:
    """What the user said: `words`, and perhaps the kind, the file's name, and the sha256 that it must have."""

    words: str
    kind: ModelKind | None = None
    name: str = ""
    sha256: str = ""


@dataclass(frozen=True)
class Fetcher:
    """Fetches into one home folder. `environment` has the keys of Civitai and Hugging Face."""

    home: Home
    environment: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    reach: Reach = OPEN_INTERNET
    download_pack: Download = pip_download
    families: Families = FAMILIES

    def get(self, wanted: Wanted, told: Told | None = None) -> Iterator[Fetched]:
        """The files that the words mean: one, or those of a pack. What is half here is continued.

        Raises ModelError for what can't be fetched or isn't what was asked for, FileWriteError.
        """
        if wanted.words.strip().startswith(PACK):
            pack = find_pack(wanted.words.strip().removeprefix(PACK))
            folder = self.home.root / PLACES["upscaler"]
            before = set(folder.glob("*"))
            for path in fetch_pack(pack, folder, self.download_pack):
                yield self._fetched(path, detect(path, self.families), was_there=path in before)
            return
        place = place_of(wanted.words, lambda url, headers: read_json(url, self.reach, headers), self.environment)
        yield self._get(wanted, place, told)

    def _get(self, wanted: Wanted, place: Place, told: Told | None) -> Fetched:
        # By its address: asked for again, the same part is found and continued.
        part = self.home.cache / "downloads" / f"{hashlib.sha256(place.url.encode()).hexdigest()[:24]}.part"
        found = download(place.url, part, self.reach, place.headers, told)
        _compare(wanted.sha256 or place.sha256 or found.promised, found)
        try:
            detected = detect(part, self.families)
        except ModelError as problem:
            forget(part)
            raise ModelError(str(problem).replace(part.name, found.name or place.url)) from problem
        kind = wanted.kind or (detected.kind if detected.kind != "unknown" else place.kind)
        if kind == "unknown" or kind not in PLACES:
            raise ModelError(
                f"{found.name}: what this is isn't known ({detected.note}); it is kept, and --kind says where it goes"
            )
        name = _file_name(wanted.name or place.name or found.name, part)
        return self._put(part, self.home.root / PLACES[kind], name, Detection(kind, detected.family, detected.note))

    def _put(self, part: Path, folder: Path, name: str, detected: Detection) -> Fetched:
        make_folder(folder)
        stem, dot, ending = name.rpartition(".")
        sha256 = sha256_of_file(part)
        for attempt in range(1000):
            path = folder / (f"{stem}-{attempt}{dot}{ending}" if attempt else name)
            if path.exists():
                if sha256_of_file(path) == sha256:
                    forget(part)
                    return self._fetched(path, detected, was_there=True)
                continue
            aside = folder / f".{path.name[:80]}.part"
            with said_plainly(path):
                shutil.move(part, aside)  # the folder may lie on another disk
                aside.replace(path)
            forget(part)
            return self._fetched(path, detected, was_there=False)
        raise FileWriteError(f"{folder} has a thousand files named {stem}; say another with --name")

    def _fetched(self, path: Path, detected: Detection, *, was_there: bool) -> Fetched:
        return Fetched(path, detected.kind, detected.note, sha256_of_file(path), was_there)


def _compare(wanted: str, found: Downloaded) -> None:
    """Raises ModelError, and throws the file away, when it isn't the one that was promised."""
    if wanted and not found.sha256.startswith(wanted.strip().lower()):
        forget(found.path)
        raise ModelError(
            f"{found.name}: the sha256 is {found.sha256}, but {wanted} was promised; the file was thrown away"
        )


def _file_name(said: str, part: Path) -> str:
    """A name without folders that every system takes, with an ending that model files have."""
    name = legal(re.split(r"[/\\]", said)[-1]).lstrip(".") or "model"
    if name.lower().endswith(ENDINGS):
        return name
    return name + (".pth" if looks_like_pickle(first_bytes(part)) else ".safetensors")
