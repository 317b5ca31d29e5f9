"""Reads ComfyUI's extra_model_paths.yaml: which further folders an install takes its models from."""

import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

from danqing.base.protocols import ModelKind

log = logging.getLogger(__name__)


def folders_of_comfy_paths(file: Path, kinds: Mapping[str, ModelKind]) -> Iterator[tuple[Path, ModelKind]]:
    """Existing folders named in the file with their kinds (`kinds` by ComfyUI's word); a damaged file gives none.

    A section is `{base_path: ..., checkpoints: one folder a line, ...}`. Relative folders lie below base_path,
    and that one below the file's own folder.
    """
    if not file.is_file():
        return
    for section in _sections(file):
        base = file.parent / Path(str(section.get("base_path", "."))).expanduser()
        for word, folders in section.items():
            kind = kinds.get(word)
            if kind is None:
                continue
            for line in str(folders).splitlines():
                path = base / Path(line.strip()).expanduser()
                if line.strip() and path.is_dir():
                    yield path, kind


def _sections(file: Path) -> list[dict[str, Any]]:
    import yaml

    try:
        parsed: object = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeError, yaml.YAMLError, RecursionError) as problem:
        log.warning("%s can't be read and is passed over: %s", file, problem)
        return []
    if not isinstance(parsed, dict):
        return []
    values = list(cast("dict[object, object]", parsed).values())
    return [cast("dict[str, Any]", section) for section in values if isinstance(section, dict)]
