"""Input pictures over /api/v1: sent as they are, kept by the sha256 of their bytes, named by it in orders."""

import hashlib
from typing import Annotated

from fastapi import APIRouter, Header, Request
from starlette.responses import Response

from danqing.base.errors import ImageError
from danqing.base.refs import ImageRef
from danqing.pixels.files import encode_picture
from danqing.web.answers import Answer, StrictRoute
from danqing.web.context import Context, TheContext
from danqing.web.live import run
from danqing.web.problems import NOT_FOUND, UNPROCESSABLE, Refused

router = APIRouter(prefix="/api/v1/images", tags=["input pictures"], route_class=StrictRoute)

Name = Annotated[str, Header(alias="X-Name", max_length=200)]
BODY = {"requestBody": {"required": True, "content": {"image/*": {"schema": {"type": "string", "format": "binary"}}}}}


@router.post("", status_code=201, openapi_extra=BODY)
async def upload(request: Request, context: TheContext, name: Name = "") -> Response:
    """Takes a picture in; the answer is how an order names it."""
    ref = await run(_take, context, await request.body(), name)
    return Answer(ref.model_dump(), status_code=201, headers={"Location": f"/api/v1/images/{ref.sha256}"})


@router.put("/{sha256}", status_code=201, openapi_extra=BODY)
async def upload_as(sha256: str, request: Request, context: TheContext, name: Name = "") -> Response:
    """The same where the client knows the hash already; 200 when the picture was here."""
    known = await run(context.service.studio.images.has, sha256)
    data = await request.body()
    found = await run(lambda: hashlib.sha256(data).hexdigest())
    if found != sha256.lower():
        raise Refused(UNPROCESSABLE, f"the bytes have the hash {found[:10]}, not {sha256[:10]!r}; send them again")
    ref = await run(_take, context, data, name)
    return Answer(ref.model_dump(), status_code=200 if known else 201)


@router.head("/{sha256}")
async def known(sha256: str, context: TheContext) -> Response:
    """Whether a picture of this hash is here: 200 or 404."""
    return Response(status_code=200 if await run(context.service.studio.images.has, sha256) else NOT_FOUND)


@router.get("/{sha256}")
async def fetch(sha256: str, context: TheContext) -> Response:
    """Its pixels as PNG."""
    return Response(await run(_png, context, sha256), media_type="image/png")


def _take(context: Context, data: bytes, name: str) -> ImageRef:
    context.intake.look_at(data)
    return context.service.studio.images.take(data, name)


def _png(context: Context, sha256: str) -> bytes:
    try:
        pixels = context.service.studio.images.open(ImageRef(sha256=sha256))
    except ImageError as problem:
        raise Refused(NOT_FOUND, str(problem), problem) from problem
    return encode_picture(pixels, "PNG")[0]
