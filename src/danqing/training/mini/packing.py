"""A data set small enough to travel to another machine: pictures compressed in one file a split, captions beside
them."""

import gzip
import io
import json
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

import numpy as np
from PIL import Image

from danqing.base.errors import TrainingError
from danqing.training.mini.content import json_of
from danqing.training.mini.dataset import CAPTIONS, LENGTH, clip_vocabulary, encode, read_split

MEASURED = frozenset({"validation", "unseen", "large_validation"})
"""Splits that figures are taken on: packed without loss (6 kB a picture). The others take half of that, at about 43
dB."""


def pack(work: Path, out: Path, counts: Mapping[str, int]) -> Path:
    """The first pictures of each split, as many as `counts` says, in a folder without anything else."""
    out.mkdir(parents=True, exist_ok=True)
    for name, count in counts.items():
        split = read_split(work, name)
        lines, places = [], [0]
        with (out / f"{name}.pictures").open("wb") as pictures:
            for index in range(min(count, len(split))):
                pictures.write(_compressed(split.pictures[index], name in MEASURED))
                places.append(pictures.tell())
                record = {"content": json_of(split.contents[index]), "captions": split.captions[index]}
                lines.append(json.dumps(record, ensure_ascii=False))
        np.save(out / f"{name}_places.npy", np.array(places, np.int64))
        (out / f"{name}.jsonl.gz").write_bytes(gzip.compress("\n".join(lines).encode(), mtime=0))
    return out


def unpack(packed: Path, work: Path) -> Path:
    """The data folder that training reads, from a packed one."""
    folder = work / "data"
    folder.mkdir(parents=True, exist_ok=True)
    listings = sorted(packed.glob("*.jsonl.gz"))
    if not listings:
        raise TrainingError(f"{packed} holds no packed data set")
    for listing in listings:
        name = listing.name.removesuffix(".jsonl.gz")
        text = gzip.decompress(listing.read_bytes()).decode()
        captions = [caption for line in text.split("\n") for caption in json.loads(line)["captions"]]
        np.save(folder / f"{name}_pictures.npy", _pictures(packed, name))
        np.save(folder / f"{name}_ids.npy", encode(clip_vocabulary(), captions).reshape(-1, CAPTIONS, LENGTH))
        (folder / f"{name}.jsonl").write_text(text + "\n", encoding="utf-8")
    return folder


def _pictures(packed: Path, name: str) -> np.ndarray:
    data = (packed / f"{name}.pictures").read_bytes()
    places = np.load(packed / f"{name}_places.npy").tolist()
    pictures = []
    for start, end in pairwise(places):
        with Image.open(io.BytesIO(data[start:end])) as picture:
            pictures.append(np.asarray(picture.convert("RGB")))
    return np.stack(pictures)


def _compressed(pixels: np.ndarray, lossless: bool) -> bytes:
    out = io.BytesIO()
    if lossless:
        Image.fromarray(pixels).save(out, "WEBP", lossless=True)
    else:
        # WebP would halve the colour resolution: 36 dB on these pictures.
        Image.fromarray(pixels).save(out, "AVIF", quality=90, subsampling="4:4:4", speed=8)
    return out.getvalue()
