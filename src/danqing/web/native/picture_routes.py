"""The library over /api/v1: search, records, files, thumbnails, marks, trash."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Body, Query
from starlette.responses import FileResponse, Response

from danqing.base.errors import ImageError, RecipeError
from danqing.studio.records import Record
from danqing.studio.searching import Search
from danqing.web.answers import Answer, StrictRoute
from danqing.web.context import Context, TheContext
from danqing.web.live import T, run
from danqing.web.native.bodies import MarksBody, PictureIds
from danqing.web.native.files import file_answer, thumbnail_answer
from danqing.web.problems import NOT_FOUND, Refused

router = APIRouter(prefix="/api/v1/pictures", tags=["pictures"], route_class=StrictRoute)

Text = Annotated[str, Query(max_length=2000)]
Number = Annotated[int, Query(ge=1, le=1000)]


def told(context: Context, record: Record) -> dict[str, Any]:
    """A record for the outside: its file by its place in the outputs folder, and where it can be fetched."""
    return {
        **record.as_json(),
        "path": context.service.library.stored(record.path) if record.path.is_relative_to(_root(context)) else None,
        "file": f"/api/v1/pictures/{record.id}/file",
        "thumbnail": f"/api/v1/pictures/{record.id}/thumbnail",
    }


@router.get("")
async def search(  # noqa: PLR0913 - one parameter a field of the form
    context: TheContext,
    text: Text = "",
    where: Annotated[list[str] | None, Query(max_length=50)] = None,
    model: Text = "",
    lora: Text = "",
    board: Text = "",
    tag: Text = "",
    favourite: bool = False,
    rating: Annotated[int, Query(ge=0, le=5)] = 0,
    since: float | None = None,
    until: float | None = None,
    trashed: bool = False,
    order: str = "newest",
    limit: Number = 50,
    after: Annotated[str, Query(max_length=100, description="`after` of the page before.")] = "",
) -> Response:
    """A page of records, newest first; `after` leads to the next one."""
    asked = Search.model_validate(
        {
            "text": text,
            "where": tuple(where or ()),
            "model": model,
            "lora": lora,
            "board": board,
            "tag": tag,
            "favourite": favourite,
            "rating": rating,
            "since": since,
            "until": until,
            "trashed": trashed,
            "order": order,
            "limit": limit,
            "after": _place(after),
        }
    )
    page = await run(context.service.library.page, asked)
    more = f"{page.after[0]!r}_{page.after[1]}" if page.after else ""
    return Answer({"pictures": [told(context, record) for record in page.records], "after": more})


@router.get("/names/{of}")
async def names(of: str, context: TheContext) -> dict[str, int]:
    """How many pictures each value of a parameter has: model, loras.model, board, tag, sampler ..."""
    return await run(context.service.library.names, of)


@router.post("/trash")
async def trash(asked: Annotated[PictureIds, Body()], context: TheContext) -> Response:
    """These go into the trash."""
    return await _all(context, context.service.library.trash, asked)


@router.post("/restore")
async def restore(asked: Annotated[PictureIds, Body()], context: TheContext) -> Response:
    """These come back out of it."""
    return await _all(context, context.service.library.restore, asked)


@router.get("/{picture}")
async def one(picture: int, context: TheContext) -> Response:
    """One record."""
    return Answer(told(context, await _found(context.service.library.get, picture)))


@router.get("/{picture}/file", response_class=FileResponse)
async def file(picture: int, context: TheContext) -> Response:
    """The file as it lies there, its story inside."""
    return await file_answer(context, (await _found(context.service.library.get, picture)).path)


@router.get("/{picture}/thumbnail", response_class=FileResponse)
async def thumbnail(picture: int, context: TheContext, side: Annotated[int, Query(ge=16, le=1024)] = 256) -> Response:
    """A small WebP."""
    return await thumbnail_answer(context, (await _found(context.service.library.get, picture)).path, side)


@router.get("/{picture}/alike")
async def alike(picture: int, context: TheContext, limit: Number = 50) -> Response:
    """Pictures that look like this one, the nearest first; `apart` is in bits of 64."""
    found = await _found(lambda name: context.service.library.alike(name, limit=limit), picture)
    return Answer([{"picture": told(context, record), "apart": apart} for record, apart in found])


@router.patch("/{picture}")
async def mark(picture: int, asked: Annotated[MarksBody, Body()], context: TheContext) -> Response:
    """Favourite, rating, boards and tags; what isn't named stays."""
    changes = asked.model_dump(exclude_none=True)
    await _found(context.service.library.get, picture)
    try:
        record = await run(lambda: context.service.library.mark(picture, **changes))
    except ImageError as problem:
        raise RecipeError(str(problem)) from problem
    return Answer(told(context, record))


async def _found(look: Callable[[int], T], picture: int) -> T:
    if not 0 < picture < 2**63:
        raise Refused(NOT_FOUND, f"there is no picture {picture}")
    try:
        return await run(look, picture)
    except ImageError as problem:
        raise Refused(NOT_FOUND, str(problem), problem) from problem


async def _all(context: Context, change: Callable[[list[int]], tuple[Record, ...]], asked: PictureIds) -> Response:
    for picture in asked.pictures:
        await _found(context.service.library.get, picture)
    return Answer([told(context, record) for record in await run(change, asked.pictures)])


def _place(after: str) -> tuple[float, int] | None:
    if not after:
        return None
    taken, _, picture = after.partition("_")
    try:
        return float(taken), int(picture)
    except ValueError as problem:
        raise RecipeError(f"after is what the page before said, found {after!r}") from problem


def _root(context: Context) -> Any:
    return context.service.library.root
