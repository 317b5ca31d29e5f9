"""One sheet of what a model paints, for people to look at: fixed prompts, seeds, steps and guidance, so that sheets of
different days can be laid side by side."""

from collections.abc import Sequence
from pathlib import Path
from textwrap import wrap

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from torch import Tensor

from danqing.pixels.sheet import font_for
from danqing.training.mini.dataset import clip_vocabulary, encode
from danqing.training.mini.prompts import sheet_prompts
from danqing.training.mini.unet import empty_prompt
from danqing.training.samples import Manner, Networks, paint_samples

_COLUMNS = 8
_LETTERS, _LINES, _WIDTH = 9, 4, 24
"""Pixels of a letter, lines below a picture, letters in a line."""


def prompt_ids(prompts: Sequence[str]) -> Tensor:
    """Token ids as the text tower takes them. (B, 77) int64."""
    return torch.from_numpy(encode(clip_vocabulary(), prompts).astype(np.int64))


def paint_sheet(
    networks: Networks,
    path: Path,
    manner: Manner = Manner(),  # noqa: B008 - a frozen value
    prompts: Sequence[str] | None = None,
    batch: int = 16,
) -> Path:
    """One picture a prompt of `sheet_prompts`, all of seed 1, numbered and with their words below; the words also in a
    text file beside it, for not every machine can draw Chinese."""
    prompts = sheet_prompts() if prompts is None else prompts
    ids = prompt_ids(prompts)
    pictures = np.concatenate(
        [paint_samples(networks, some, empty_prompt(), [1] * len(some), manner) for some in ids.split(batch)]
    )
    write_sheet(path, pictures, prompts)
    listing = "".join(f"{number}\t{prompt}\n" for number, prompt in enumerate(prompts, start=1))
    path.with_suffix(".txt").write_text(listing, encoding="utf-8")
    return path


def write_sheet(path: Path, pictures: NDArray[np.uint8], words: Sequence[str]) -> None:
    """Pictures (N, H, W, 3) in rows of eight over their words."""
    side, step = pictures.shape[1], round(_LETTERS * 1.25)
    width, height = side + 4, side + step * _LINES + 6
    sheet = Image.new("RGB", (_COLUMNS * width, -(-len(words) // _COLUMNS) * height), "white")
    pen = ImageDraw.Draw(sheet)
    for i, text in enumerate(words):
        x, y = i % _COLUMNS * width, i // _COLUMNS * height
        sheet.paste(Image.fromarray(pictures[i]), (x, y))
        for line, part in enumerate(wrap(f"{i + 1} {text}", _WIDTH)[:_LINES]):
            pen.text((x, y + side + 1 + step * line), part, fill="black", font=font_for(part, _LETTERS))
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.stem}.part.png")
    sheet.save(part)
    part.replace(path)
