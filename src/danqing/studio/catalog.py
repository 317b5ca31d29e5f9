"""The index of a studio's model files: names, kinds, families, hashes. Reads headers only, and needs no torch."""

import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import cast

from danqing.base.errors import DanqingError, ModelError
from danqing.base.protocols import ModelFile, ModelKind
from danqing.base.refs import ModelRef
from danqing.base.table import did_you_mean
from danqing.studio.home import ModelFolder
from danqing.studio.lookup import exactly, partly, split_hash
from danqing.studio.scan import Entry, entries_in
from danqing.weights.detect import Detection, detect
from danqing.weights.families import FAMILIES, Families, Family
from danqing.weights.hashes import HashCache, auto_v1, lora_hash
from danqing.weights.header import read_header

log = logging.getLogger(__name__)

PLACES: Mapping[ModelKind, str] = MappingProxyType(
    {
        "checkpoint": "models/Stable-diffusion",
        "vae": "models/VAE",
        "lora": "models/Lora",
        "embedding": "embeddings",
        "hypernet": "models/hypernetworks",
        "controlnet": "extensions/sd-webui-controlnet/models",
        "upscaler": "models/ESRGAN",
    }
)
"""Where a file of each kind goes, for remedies."""
_HASH = re.compile(r"[0-9a-f]{8,64}")
LEGACY_START = 0x100000
"""Where the stretch begins that A1111's older model hash is made of: all smaller files would share one."""
LEGACY_HASH, LORA_HASH = 8, 12
"""Hex digits by which A1111's older model hash and its LoRA hashes are told from the beginning of a sha256."""


@dataclass(frozen=True)
class Listed:
    """A model file as a list shows it: `note` says what its header says, or why it can't be used."""

    file: ModelFile
    note: str
    usable: bool


class FolderCatalog:
    """Finds model files in folders; the embedded model comes last.

    Folders are walked at the first question, and again after `refresh`.
    """

    def __init__(
        self,
        folders: Sequence[ModelFolder],
        hashes: HashCache,
        *,
        embedded: Path | None = None,
        default_model: str = "",
        families: Families = FAMILIES,
    ) -> None:
        self._folders = tuple(folders)
        self._hashes = hashes
        self._embedded = embedded
        self._default_model = default_model
        self._families = {family.name: family for family in families}
        self._entries: list[Entry] | None = None
        self._detected: dict[Path, Detection] = {}

    def refresh(self) -> None:
        """Forgets what was seen; files that came since are found by the next question."""
        self._entries = None
        self._detected.clear()

    def list(self, kind: ModelKind | None = None) -> Iterator[ModelFile]:
        """All files of a kind, without computing hashes that are not known yet."""
        return (listed.file for listed in self.listing() if kind is None or listed.file.kind == kind)

    def listing(self) -> Iterator[Listed]:
        """All files with what is known of them; a damaged or hostile one is listed with its complaint."""
        return map(self._listed, self._all())

    def look_up(self, name: str, kind: ModelKind | None = None) -> Listed:
        """The file that goes by this name, title or hash, usable or not. Raises ModelError with the nearest name."""
        pool = [entry for entry in self._all() if kind is None or entry.kind == kind]
        found = self._named(name, kind or "checkpoint", pool) or partly(pool, name)
        if not found:
            raise ModelError(self._missing(name, kind or "model", pool))
        return self._listed(found[0])

    def sha256(self, file: ModelFile) -> str:
        """The hash of a listed file, worked out if need be and remembered."""
        return self._hashes.sha256(file.path)

    def has(self, name: str, kind: ModelKind) -> bool:
        """Whether a file of this kind goes by this name; no hash is worked out for it."""
        pool = [entry for entry in self._all() if entry.kind in (kind, "unknown")]
        return bool(exactly(pool, split_hash(name)[0]) or (kind == "lora" and self._by_alias(name, pool)))

    def find(self, ref: ModelRef, kind: ModelKind = "checkpoint") -> ModelFile:
        """The file that is meant, its sha256 known; an empty reference means the default checkpoint.

        Raises ModelError with the nearest name. A hash in the reference must be the file's: another file of that name
        paints another picture.
        """
        try:
            return self._found(ref, kind)
        except ModelError:
            # Files may have come and gone since the folders were walked: a server and its worker live for days.
            if not self._walked_anew():
                raise
            return self._found(ref, kind)

    def _found(self, ref: ModelRef, kind: ModelKind) -> ModelFile:
        entry = self._meant(ref, kind) if ref else self._default()
        found = self._detect(entry)
        if found.kind != kind:
            raise ModelError(self._other_kind(entry, found, kind))
        return self._file(entry, found, self._hashes.sha256(entry.path))

    def _walked_anew(self) -> bool:
        """Whether the folders hold anything else by now."""
        before, self._entries = self._entries, None
        return list(self._all()) != list(before or ())

    def _listed(self, entry: Entry) -> Listed:
        try:
            found = self._detect(entry)
        except DanqingError as problem:
            found = Detection("unknown", "", str(problem))
        kind = found.kind if found.kind != "unknown" else entry.kind
        file = self._file(entry, Detection(kind, found.family), self._hashes.known(entry.path))
        return Listed(file, found.note, usable=found.kind != "unknown")

    def _meant(self, ref: ModelRef, kind: ModelKind) -> Entry:
        pool = [entry for entry in self._all() if entry.kind in (kind, "unknown")]
        named = self._named(ref.name, kind, pool)
        if not ref.sha256:
            if named:
                return named[0]
            raise ModelError(self._missing(ref.name, kind, pool))
        wanted = ref.sha256.lower()
        for entry in named:
            if self._has_hash(entry, wanted):
                return entry
        for entry in pool:
            # Under another name only what costs nothing is looked at: a hash that is known, or A1111's old one.
            if self._hashes.known(entry.path).startswith(wanted) or _old_hash(entry) == wanted:
                return entry
            if not ref.name and self._has_hash(entry, wanted):
                return entry
        if named:
            found = self._hashes.sha256(named[0].path)[:10]
            raise ModelError(
                f"the {kind} {named[0].name!r} that is here has the hash {found}, but {wanted[:10]} is asked for: "
                f"put the right file into {_place(kind)}, or name the {kind} without a hash to use this one"
            )
        raise ModelError(self._missing(ref.name or f"[{wanted[:10]}]", kind, pool))

    def _named(self, name: str, kind: ModelKind, pool: Sequence[Entry]) -> Sequence[Entry]:
        """Entries by A1111's rules; a trailing [hash] in the name only breaks ties."""
        if not name:
            return ()
        word, shown_hash = split_hash(name)
        found = exactly(pool, name) or exactly(pool, word)
        if not found:  # lies in another kind's folder, but is what is wanted
            found = [entry for entry in exactly(self._all(), word) if self._is(entry, kind)]
        if not found and kind == "checkpoint" and word:
            found = partly(pool, word)
        if not found and kind == "lora":
            found = self._by_alias(word, pool)
        if not found and (spoken := shown_hash if not word else _HASH.fullmatch(word.lower()) and word.lower()):
            found = [entry for entry in pool if self._has_hash(entry, spoken)]
        if shown_hash and len(found) > 1:
            return sorted(found, key=lambda entry: not self._has_hash(entry, shown_hash))
        return found

    def _by_alias(self, word: str, pool: Sequence[Entry]) -> Sequence[Entry]:
        """The LoRA that its trainer called so; as in A1111 a name that two of them have means none."""
        found = [entry for entry in pool if entry.kind == "lora" and self._alias(entry).casefold() == word.casefold()]
        return found if len(found) == 1 and word else ()

    def _alias(self, entry: Entry) -> str:
        try:
            return read_header(entry.path).metadata.get("ss_output_name", "")
        except (DanqingError, OSError):
            return ""

    def _default(self) -> Entry:
        if self._default_model:
            try:
                return self._meant(ModelRef(name=self._default_model), "checkpoint")
            except ModelError as problem:
                raise ModelError(f"the setting default_model: {problem}") from problem
        for entry in self._all():
            if entry.kind == "checkpoint" and self._is(entry, "checkpoint"):
                return entry
        raise ModelError(f"there is no checkpoint that danqing can paint with; put one into {PLACES['checkpoint']}")

    def _is(self, entry: Entry, kind: ModelKind) -> bool:
        try:
            return self._detect(entry).kind == kind
        except DanqingError as problem:
            log.warning("%s is passed over: %s", entry.path, problem)
            return False

    def _has_hash(self, entry: Entry, wanted: str) -> bool:
        """Whether `wanted` is the beginning of its sha256, or its hash of A1111's other two kinds."""
        if len(wanted) == LEGACY_HASH and _old_hash(entry) == wanted:
            return True
        if len(wanted) == LORA_HASH and entry.kind == "lora" and self._lora_hash(entry) == wanted:
            return True
        return self._hashes.sha256(entry.path).startswith(wanted)

    def _lora_hash(self, entry: Entry) -> str:
        return lora_hash(entry.path, dict(read_header(entry.path).metadata))

    def _all(self) -> Sequence[Entry]:
        if self._entries is None:
            own = [Entry(self._embedded, self._embedded.name, "checkpoint")] if self._embedded else []
            self._entries = [*entries_in(self._folders), *own]
        return self._entries

    def _detect(self, entry: Entry) -> Detection:
        if entry.path not in self._detected:
            self._detected[entry.path] = detect(entry.path, tuple(self._families.values()))
        return self._detected[entry.path]

    def _file(self, entry: Entry, found: Detection, sha256: str) -> ModelFile:
        title = f"{entry.label} [{sha256[:10]}]" if sha256 else entry.label
        family = self._families.get(found.family) if found.kind == "checkpoint" else None
        return ModelFile(entry.name, entry.path, found.kind, found.family, sha256, title, usual_of(family))

    def _missing(self, word: str, kind: str, pool: Sequence[Entry]) -> str:
        near = did_you_mean(split_hash(word)[0], [entry.name for entry in pool])
        joint = " Else put" if near.endswith("?") else "; put"
        return f"no {kind} named {word!r}{near}{joint} its file into {PLACES.get(cast('ModelKind', kind), 'models')}"

    def _other_kind(self, entry: Entry, found: Detection, kind: ModelKind) -> str:
        if found.kind == "unknown":
            return f"{entry.label}: {found.note or 'nothing that danqing knows'}; it can't be used as a {kind}"
        return f"{entry.label} is a {found.kind}, not a {kind} ({found.note}): move it to {_place(found.kind)}"


def _old_hash(entry: Entry) -> str:
    """A1111's hash of eight digits; "" for folders, files too small to have one, and what can't be read."""
    try:
        return auto_v1(entry.path) if entry.path.is_file() and entry.path.stat().st_size > LEGACY_START else ""
    except OSError:
        return ""


def _place(kind: ModelKind) -> str:
    return PLACES.get(kind, "models")


def usual_of(family: Family | None) -> Mapping[str, int | float | str]:
    """A family's usual values for the fields that an order may leave to the model."""
    if family is None:
        return MappingProxyType({})
    names = ("width", "height", "steps", "cfg_scale", "clip_skip")
    return MappingProxyType({name: getattr(family, name) for name in names})
