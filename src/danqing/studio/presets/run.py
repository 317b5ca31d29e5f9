"""A preset run: settings settled, the work done, its results kept with their story in a folder of their own, and checked."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import JsonValue

from danqing.base.infotext import quote
from danqing.base.picture import Picture
from danqing.base.progress import Watch, just_go_on
from danqing.base.refs import Use
from danqing.base.value import canonical_json
from danqing.pixels.files import write_picture
from danqing.pixels.writing import write_aside
from danqing.studio.extras import NOTE_KEY, with_note
from danqing.studio.gallery import unnumbered
from danqing.studio.presets.desk import Desk
from danqing.studio.presets.files import settings_of
from danqing.studio.presets.pieces import Finding, Piece, PresetSettings, Source
from danqing.studio.presets.preset_file import PresetFile
from danqing.studio.presets.table import PRESETS
from danqing.studio.studio import Studio, draw_seed
from danqing.studio.writable import check_writable, make_numbered_folder

FOLDER = "presets"
EDITION = "preset"


@dataclass(frozen=True)
class KeptPiece:
    """A result in its file; `size` is (width, height), (0, 0) for what is no picture."""

    path: Path
    size: tuple[int, int] = (0, 0)


@dataclass(frozen=True)
class PresetDone:
    """What a preset left behind, the settings that would do it again, and what its check found."""

    folder: Path
    settings: PresetSettings
    results: tuple[KeptPiece, ...]
    findings: tuple[Finding, ...]
    seconds: float

    @property
    def good(self) -> bool:
        """Whether the check found nothing wrong."""
        return all(finding.good for finding in self.findings)


def run_preset(
    studio: Studio,
    file: PresetFile,
    said: Mapping[str, object],
    watch: Watch = just_go_on,
    *,
    to: Path | None = None,
) -> PresetDone:
    """The preset with these settings, its results in outputs/presets/<date>/<name>-0000 or in the folder `to`.

    Pictures that it had painted are kept below, in `painted`. Raises what painting raises, PresetStopped, FileWriteError.
    """
    started = time.perf_counter()
    preset, settings = PRESETS.find(file.preset), settings_of(file, said)
    if settings.seed < 0:
        settings = settings.but(seed=draw_seed())
    folder = _folder(studio, file, to)
    made = preset.make(Desk(studio, file, settings, folder, watch), settings)
    results = [_kept(studio, folder, piece, _edition(file, settings, piece)) for piece in made.pieces]
    for name, data in made.documents.items():
        results.append(_kept_document(folder, name, data))
    seconds = round(time.perf_counter() - started, 3)
    return PresetDone(folder, settings, tuple(results), preset.check(made, settings), seconds)


def _folder(studio: Studio, file: PresetFile, to: Path | None) -> Path:
    if to is not None:
        check_writable(to)
        return to
    gallery = studio.gallery
    return make_numbered_folder(gallery.root / FOLDER / gallery.clock().strftime("%Y-%m-%d"), file.name)


def _edition(file: PresetFile, settings: PresetSettings, piece: Piece) -> Use:
    """What was done: the preset, its settings, and all that the piece was made from besides the first."""
    others: list[JsonValue] = [_named(source) for source in piece.sources[1:]]
    said: dict[str, Any] = {"preset": file.name, "makes": piece.name, "settings": settings.sparse()}
    return Use(name=EDITION, settings={**said, **({"from": others} if others else {})})


def _named(source: Source) -> JsonValue:
    """A source as JSON has it: its whole recipe where it was painted, else the file that it came in."""
    if source.provenance is not None:
        return source.provenance.recipe.to_json()
    return source.image.model_dump(mode="json") if source.image else None


def _kept(studio: Studio, folder: Path, piece: Piece, edition: Use) -> KeptPiece:
    """The piece as a PNG with its story; never over another picture."""
    first = piece.sources[0]
    size = (piece.pixels.shape[1], piece.pixels.shape[0])
    to = folder / f"{piece.name}.png"
    if first.provenance is not None:
        provenance = first.provenance.but(after=(*first.provenance.after, edition))
        return KeptPiece(studio.gallery.keep(Picture(piece.pixels, provenance), to), size)
    note = (
        f"Preset: {edition.settings['preset']}, Preset settings: {quote(canonical_json(edition.settings['settings']))}"
    )
    with unnumbered(folder, piece.name) as free:
        path = folder / f"{free}.png"
        infotext = with_note(first.infotext, note) if first.infotext else ""
        write_picture(path, piece.pixels, infotext=infotext, texts={NOTE_KEY: note})
    return KeptPiece(path, size)


def _kept_document(folder: Path, name: str, data: bytes) -> KeptPiece:
    stem, dot, ending = name.rpartition(".")
    number, path = 0, folder / name
    while path.exists():
        number += 1
        path = folder / f"{stem}-{number}{dot}{ending}"
    write_aside(path, data)
    return KeptPiece(path)
