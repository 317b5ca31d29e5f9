"""File and folder names of finished pictures, by A1111's patterns: `[seed]-[prompt_words]` and the like."""

import hashlib
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType

from danqing.base.picture import Picture
from danqing.base.recipe import Recipe

ILLEGAL = re.compile(r'[#<>:"/\\|?*\n\r\t\x00-\x1f]')
LONGEST_PART = 128
WORDS = 8
RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?")
"""Names that Windows keeps for devices."""

_TOKEN = re.compile(r"\[(\w+)((?:<[^<>]*>)*)\]")


def name_of(pattern: str, picture: Picture, now: datetime) -> str:
    """One part of a path: every known [word] filled in, unknown ones left as they are, illegal characters replaced."""

    def fill(found: re.Match[str]) -> str:
        arguments = re.findall(r"<([^<>]*)>", found[2])
        word = found[1].casefold()
        if word.startswith("datetime"):
            return now.strftime(arguments[0] if arguments and arguments[0] else "%Y%m%d%H%M%S")
        value = TOKENS.get(word)
        return value(picture, now, arguments) if value else found[0]

    return legal(_TOKEN.sub(fill, pattern))


def folder_parts(pattern: str, picture: Picture, now: datetime) -> list[str]:
    """The folders a pattern like `[model_name]/[date]` means; empty parts and dots that lead elsewhere are left out."""
    parts = [name_of(part, picture, now) for part in re.split(r"[/\\]", pattern)]
    return [part for part in parts if part and part not in (".", "..")]


def legal(text: str) -> str:
    """The text as a file name that every system takes: at most 128 characters, 240 bytes."""
    name = ILLEGAL.sub("_", text)[:LONGEST_PART].lstrip(" ").rstrip(" .")
    while len(name.encode("utf-8", "replace")) > 240:
        name = name[:-1]
    name = name.encode("utf-8", "replace").decode()
    return f"_{name}" if RESERVED.fullmatch(name) else name


Token = Callable[[Picture, datetime, list[str]], str]


def _of(value: Callable[[Recipe], object]) -> Token:
    return lambda picture, now, arguments: str(value(picture.recipe))


def _hash(value: Callable[[Recipe], str]) -> Token:
    def token(picture: Picture, now: datetime, arguments: list[str]) -> str:
        length = int(arguments[0]) if arguments and arguments[0].isdecimal() else 8
        return hashlib.sha256(value(picture.recipe).encode("utf-8", "surrogatepass")).hexdigest()[:length]

    return token


def _has_prompt(picture: Picture, now: datetime, arguments: list[str]) -> str:
    prompt = picture.recipe.prompt.casefold()
    found = ""
    for argument in arguments:  # <word|what to write without it>
        word, _, otherwise = argument.partition("|")
        found += word if word.casefold() in prompt else otherwise
    return found


def _words(recipe: Recipe) -> str:
    return " ".join([word for word in re.split(r"[\s,;:.()\[\]{}|<>]+", recipe.prompt) if word][:WORDS])


def _denoising(recipe: Recipe) -> str:
    part = recipe.init or recipe.hires
    return f"{part.denoising_strength:g}" if part else ""


def _image_hash(picture: Picture, now: datetime, arguments: list[str]) -> str:
    length = int(arguments[0]) if arguments and arguments[0].isdecimal() else 64
    return hashlib.sha256(picture.pixels.tobytes()).hexdigest()[:length]


TOKENS: Mapping[str, Token] = MappingProxyType(
    {
        "seed": _of(lambda recipe: recipe.seed),
        "seed_first": _of(lambda recipe: recipe.seed),
        "seed_last": _of(lambda recipe: recipe.seed),
        "steps": _of(lambda recipe: recipe.steps),
        "cfg": _of(lambda recipe: f"{recipe.cfg_scale:g}"),
        "width": lambda picture, now, arguments: str(picture.size[0]),
        "height": lambda picture, now, arguments: str(picture.size[1]),
        "sampler": _of(lambda recipe: recipe.sampler),
        "scheduler": _of(lambda recipe: recipe.schedule),
        "sampler_scheduler": _of(lambda recipe: f"{recipe.sampler} {recipe.schedule}"),
        "model_hash": _of(lambda recipe: recipe.model.sha256[:10]),
        "model_name": _of(lambda recipe: recipe.model.name),
        "vae_filename": _of(lambda recipe: recipe.vae.name or "none"),
        "clip_skip": _of(lambda recipe: recipe.clip_skip),
        "denoising": _of(_denoising),
        "prompt": _of(lambda recipe: recipe.prompt.replace(" ", "_")),
        "prompt_no_styles": _of(lambda recipe: recipe.prompt),
        "prompt_spaces": _of(lambda recipe: recipe.prompt),
        "prompt_words": _of(_words),
        "prompt_hash": _hash(lambda recipe: recipe.prompt),
        "negative_prompt_hash": _hash(lambda recipe: recipe.negative_prompt),
        "full_prompt_hash": _hash(lambda recipe: f"{recipe.prompt} {recipe.negative_prompt}"),
        "hasprompt": _has_prompt,
        "image_hash": _image_hash,
        "date": lambda picture, now, arguments: now.strftime("%Y-%m-%d"),
        "job_timestamp": lambda picture, now, arguments: now.strftime("%Y%m%d%H%M%S"),
        "batch_number": lambda picture, now, arguments: str(picture.provenance.facts.batch_index + 1),
        "batch_size": lambda picture, now, arguments: str(picture.provenance.facts.batch_size),
        "generation_number": lambda picture, now, arguments: str(picture.provenance.index + 1),
        "none": lambda picture, now, arguments: "",
    }
)
"""What each word of a pattern stands for. A1111's [user], [styles] and [basename] mean nothing here: they stay."""
