"""The sprites that pictures are composed of, drawn by node from npm packages: avatars by order, objects of every emoji
set."""

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from danqing.base.errors import TrainingError
from danqing.training.mini.compose import Sprite
from danqing.training.mini.grammar import AvatarOrder
from danqing.training.mini.world import World


def sprite_side(picture_side: int) -> int:
    """Side of a sprite in pixels: larger than in the picture, for close-ups."""
    return picture_side * 5 // 4


_SCRIPTS = ("package.json", "render_portraits.mjs", "render_objects.mjs")


@dataclass(frozen=True)
class Objects:
    """Every object in every set. pixels (N, h, h, 4); place: (noun, set) -> row; names: language -> noun ->
    name."""

    pixels: NDArray[np.uint8]
    place: dict[tuple[str, str], int]
    names: dict[str, dict[str, str]]

    def sprite(self, noun: str, style: str) -> Sprite:
        """The drawing in the set, or Noto's where the set lacks it."""
        return self.pixels[self.place.get((noun, style), self.place.get((noun, "noto"), 0))]


def install_renderers(work: Path) -> Path:
    """The folder with the render scripts and their npm packages, installed when they are not there yet."""
    folder = work / "node"
    folder.mkdir(parents=True, exist_ok=True)
    assets = files("danqing") / "assets" / "training" / "mini"
    for name in _SCRIPTS:
        (folder / name).write_bytes((assets / name).read_bytes())
    if not (folder / "node_modules" / "@dicebear" / "core").is_dir():
        _run(["npm", "install", "--no-audit", "--no-fund"], folder)
    return folder


def render_avatars(
    node: Path, orders: Sequence[AvatarOrder], side: int, out: Path, processes: int = 2
) -> NDArray[np.uint8]:
    """Premultiplied pixels of the avatars, mapped from the file. (N, side, side, 4)."""
    bounds = [len(orders) * i // processes for i in range(processes + 1)]
    running: list[subprocess.Popen[bytes]] = []
    pieces = [out.with_name(f"{out.name}.{i}") for i in range(processes)]
    for i, piece in enumerate(pieces):
        listing = out.with_name(f"{out.name}.{i}.jsonl")
        listing.write_text("".join(_line(n, orders[n]) for n in range(bounds[i], bounds[i + 1])), encoding="utf-8")
        with listing.open("rb") as source:
            running.append(_start(["node", "render_portraits.mjs", str(piece), str(side)], node, source))
    for process in running:
        if process.wait():
            raise TrainingError(f"drawing avatars failed: node ended with {process.returncode} in {node}")
    with out.open("wb") as whole:
        for piece in pieces:
            with piece.open("rb") as part:
                while block := part.read(1 << 24):
                    whole.write(block)
            piece.unlink()
            piece.with_name(f"{piece.name}.jsonl").unlink()
    return np.memmap(out, np.uint8, "r").reshape(-1, side, side, 4)


def render_objects(node: Path, world: World, side: int, out: Path) -> Objects:
    """Every object of the noun table in every set, drawn once."""
    stem = out / f"objects-{side}"
    if not stem.with_suffix(".jsonl").exists():
        labels = out / "labels.json"
        labels.write_text(json.dumps({"labels": world.labels}), encoding="utf-8")
        with labels.open("rb") as source:
            if _start(["node", "render_objects.mjs", str(stem), str(side)], node, source).wait():
                raise TrainingError(f"drawing objects failed in {node}")
    lines = [json.loads(line) for line in stem.with_suffix(".jsonl").read_text(encoding="utf-8").splitlines()]
    pixels = np.fromfile(stem.with_suffix(".rgba"), np.uint8).reshape(-1, side, side, 4).copy()
    for row, line in enumerate(lines):
        if "webp" in line:
            with Image.open(line["webp"]) as picture:
                sprite = picture.convert("RGBA").convert("RGBa").resize((side, side), Image.Resampling.LANCZOS)
                pixels[row] = np.asarray(sprite)
    place = {(line["noun"], line["set"]): row for row, line in enumerate(lines)}
    names = {language: {line["noun"]: line[language] for line in lines} for language in ("zh", "ko")}
    return Objects(pixels, place, names)


def _line(index: int, order: AvatarOrder) -> str:
    # What the options leave open is decided by the seed: the same order number always draws the same avatar.
    return json.dumps({"collection": order.collection, "seed": f"danqing {index}", "options": order.options}) + "\n"


def _start(command: list[str], folder: Path, source: IO[bytes]) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(command, cwd=folder, stdin=source)
    except FileNotFoundError as error:
        raise TrainingError(
            f"{command[0]} is needed to draw the data set and was not found; install Node.js 20"
        ) from error


def _run(command: list[str], folder: Path) -> None:
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    except FileNotFoundError as error:
        raise TrainingError(
            f"{command[0]} is needed to build the data set and was not found; install Node.js 20"
        ) from error
    if done.returncode:
        raise TrainingError(f"{' '.join(command)} failed in {folder}: {done.stderr.strip()[-400:]}")
