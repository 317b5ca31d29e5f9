"""Model files and settings over /api/v1. Settings that say where files lie can't be changed from outside."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from danqing.base.errors import ModelError, SettingsError
from danqing.base.protocols import ModelKind
from danqing.studio.catalog import Listed
from danqing.studio.phrases import read_phrases
from danqing.studio.settings import help_of_settings, save_settings
from danqing.web.answers import Answer, StrictRoute, object_in
from danqing.web.context import Context, TheContext
from danqing.web.live import run
from danqing.web.problems import NOT_FOUND, Refused

router = APIRouter(prefix="/api/v1", tags=["models and settings"], route_class=StrictRoute)

CHANGEABLE = (
    "default_model",
    "folder_pattern",
    "file_pattern",
    "number_files",
    "picture_format",
    "quality",
    "preview_every",
)
"""Over the network. The others say where files lie, whom the server may call, or what it may use up."""


def _told(one: Listed) -> dict[str, Any]:
    file = one.file
    return {
        "name": file.name,
        "title": file.title,
        "kind": file.kind,
        "family": file.family,
        "sha256": file.sha256,
        "usual": dict(file.usual),
        "note": one.note,
        "usable": one.usable,
    }


@router.get("/models")
async def models(context: TheContext, kind: Annotated[ModelKind | None, Query()] = None) -> list[dict[str, Any]]:
    """Model files, also those that can't be used, with the reason."""
    listed = await run(lambda: list(context.service.studio.catalog.listing()))
    return [_told(one) for one in listed if kind in (None, one.file.kind)]


@router.get("/models/{name:path}")
async def model(name: str, context: TheContext, kind: Annotated[ModelKind | None, Query()] = None) -> dict[str, Any]:
    """One model, by its name, title or hash."""
    try:
        return _told(await run(context.service.studio.catalog.look_up, name, kind))
    except ModelError as problem:
        raise Refused(NOT_FOUND, str(problem), problem) from problem


@router.post("/models/refresh")
async def refresh(context: TheContext) -> dict[str, bool]:
    """Looks for new model files."""
    await run(context.service.studio.catalog.refresh)
    return {"refreshed": True}


@router.get("/styles")
async def styles(context: TheContext) -> list[dict[str, str]]:
    """The styles in styles.csv."""
    known = (await run(read_phrases, context.service.studio.home)).styles.values()
    return [{"name": one.name, "prompt": one.prompt, "negative_prompt": one.negative_prompt} for one in known]


@router.get("/settings")
async def settings(context: TheContext) -> Response:
    """Every setting: its value, where that comes from, and whether it can be changed here."""
    return Answer(await run(_settings, context))


@router.patch("/settings")
async def change_settings(request: Request, context: TheContext) -> Response:
    """Changes settings; null takes one back to its default. They count for pictures that are begun after the next start of a worker."""
    changes = await object_in(request)
    for name in changes:
        if name not in CHANGEABLE:
            raise SettingsError(f"{name[:60]!r} can't be changed over the network; possible: {', '.join(CHANGEABLE)}")
    await run(save_settings, context.service.studio.home.settings_file, changes)
    return Answer(await run(_settings, context))


def _settings(context: Context) -> list[dict[str, Any]]:
    loaded = context.settings()
    values = loaded.settings.model_dump(mode="json")
    return [
        {
            "name": name,
            "value": values[name],
            "from": loaded.sources.get(name, "default"),
            "help": knob.help,
            "label": knob.label,
            "changeable": name in CHANGEABLE,
        }
        for name, knob in help_of_settings()
        if name != "database"  # its URL may hold a password
    ]
