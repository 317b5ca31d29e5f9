"""GET and POST /sdapi/v1/options, and the options in force for a request."""

import logging
from collections.abc import Mapping
from typing import Any, cast

from fastapi import APIRouter, Request
from pydantic import JsonValue

from danqing.base.errors import ModelError
from danqing.studio.settings import save_settings
from danqing.web.answers import StrictRoute, object_in
from danqing.web.context import Context, TheContext
from danqing.web.live import run
from danqing.web.problems import UNPROCESSABLE, Refused
from danqing.web.sdapi.options import DEFAULTS, MODEL, OF_SETTINGS, OPTIONS, OptionFile

router = APIRouter(prefix="/sdapi/v1", tags=["A1111"], route_class=StrictRoute)
log = logging.getLogger(__name__)


def option_file(context: Context) -> OptionFile:
    """The home's file of options."""
    return OptionFile(context.service.studio.home.root / "sdapi-options.json")


def options_in_force(context: Context) -> dict[str, Any]:
    """Defaults, what clients have set, and danqing's own settings where they have another name there."""
    settings = context.settings().settings
    ours = {option: getattr(settings, name) for option, name in OF_SETTINGS.items()}
    ours["samples_format"] = "jpg" if settings.picture_format == "jpeg" else settings.picture_format
    return {**DEFAULTS, **option_file(context).read(), **ours}


@router.get("/options")
async def get_options(context: TheContext) -> dict[str, Any]:
    """Every option that danqing knows, with its value."""
    return await run(_told, context)


@router.post("/options")
async def set_options(request: Request, context: TheContext) -> None:
    """Sets some options; those that danqing doesn't know are passed over, as A1111 does."""
    changes = await object_in(request)
    await run(_set, context, changes)


def _told(context: Context) -> dict[str, Any]:
    options = options_in_force(context)
    catalog = context.service.studio.catalog
    # As the lists tell it, and without working out the hash of a large file just for that.
    try:
        named = [catalog.look_up(str(options[MODEL]), "checkpoint")] if options[MODEL] else list(catalog.listing())
    except ModelError:
        named = []
    file = next((one.file for one in named if one.usable and one.file.kind == "checkpoint"), None)
    if file is None:
        return options | {"sd_checkpoint_hash": ""}
    return options | {MODEL: file.title, "sd_checkpoint_hash": file.sha256}


def _set(context: Context, changes: Mapping[str, Any]) -> None:
    known = {name: cast("JsonValue", value) for name, value in changes.items() if name in OPTIONS and value is not None}
    if unknown := set(changes) - set(known) - {"sd_checkpoint_hash"}:
        log.info(
            "%d options that danqing doesn't know were passed over: %s", len(unknown), ", ".join(sorted(unknown))[:200]
        )
    checked = {name: OPTIONS[name].checked(name, value) for name, value in known.items()}
    settings: dict[str, object] = {OF_SETTINGS[name]: value for name, value in checked.items() if name in OF_SETTINGS}
    if MODEL in checked:
        settings["default_model"] = _model_named(context, str(checked[MODEL]))
    if settings.get("picture_format") == "jpg":
        settings["picture_format"] = "jpeg"
    if settings:
        save_settings(context.service.studio.home.settings_file, settings)
    if rest := {name: value for name, value in checked.items() if name not in OF_SETTINGS}:
        option_file(context).change(rest)


def _model_named(context: Context, title: str) -> str:
    if not title:
        return ""
    try:
        return context.service.studio.catalog.look_up(title, "checkpoint").file.name
    except ModelError as problem:
        raise Refused(UNPROCESSABLE, f"model {title[:80]!r} not found: {problem}", RuntimeError()) from problem
