"""A1111's routes about pictures that are there already: png-info, extras, interrogate; and the making of embeddings, which is to come."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

from fastapi import APIRouter, Body, Request
from starlette.responses import Response

from danqing.base.infotext_fields import find_fields
from danqing.base.refs import ImageRef
from danqing.pixels.files import INFOTEXT_NAMES, PictureMetadata, read_metadata
from danqing.studio.enlarging import enlarge_payload
from danqing.web.answers import Answer, StrictRoute, object_in
from danqing.web.context import Context, TheClient, TheContext
from danqing.web.live import run
from danqing.web.problems import NOT_FOUND, UNPROCESSABLE, NotYetError, Refused, failure_of_job
from danqing.web.sdapi.extras import Extra, check_upscalers, extra_as_it_is, extra_of, upscale_of
from danqing.web.sdapi.requests import ExtraBatch, Extras, ExtraSingle, Interrogate, PngInfo

router = APIRouter(prefix="/sdapi/v1", tags=["A1111"], route_class=StrictRoute)

INTERROGATORS = ("clip", "deepdanbooru")


@router.post("/png-info")
async def png_info(request: Annotated[PngInfo, Body()], context: TheContext) -> dict[str, Any]:
    """The texts in a picture file."""
    return await run(_png_info, request, context)


def _png_info(request: PngInfo, context: Context) -> dict[str, Any]:
    data = context.intake.bytes_of(request.image)
    metadata = _metadata(data)
    infotext = metadata.infotext or ""
    others = {name: text for name, text in metadata.raw.items() if name not in INFOTEXT_NAMES}
    fields = dict(find_fields(infotext).fields) if infotext else {}
    return {"info": infotext, "items": others, "parameters": fields}


def _metadata(data: bytes) -> PictureMetadata:
    with TemporaryDirectory() as folder:
        path = Path(folder, "picture")
        path.write_bytes(data)
        return read_metadata(path)


@router.post("/interrogate")
async def interrogate(request: Annotated[Interrogate, Body()], context: TheContext) -> dict[str, Any]:
    """A caption for a picture."""
    if request.image is None:
        raise Refused(NOT_FOUND, "Image not found")
    await run(context.intake.bytes_of, request.image)
    if request.model not in INTERROGATORS:
        raise Refused(NOT_FOUND, "Model not found")
    raise NotYetError(f"this danqing has no {request.model} to describe pictures with yet")


@router.post("/extra-single-image")
async def extra_single(request: Annotated[ExtraSingle, Body()], context: TheContext, client: TheClient) -> Response:
    """One picture enlarged."""
    (made,) = await _enlarged(context, client, request, [request.image])
    return Answer({"html_info": made.html, "image": made.image})


@router.post("/extra-batch-images")
async def extra_batch(request: Annotated[ExtraBatch, Body()], context: TheContext, client: TheClient) -> Response:
    """Several pictures enlarged, in their order."""
    made = await _enlarged(context, client, request, [image.data for image in request.imageList])
    return Answer({"html_info": "".join(one.html for one in made), "images": [one.image for one in made]})


async def _enlarged(context: Context, client: str, request: Extras, texts: Sequence[str]) -> list[Extra]:
    if request.gfpgan_visibility or request.codeformer_visibility:
        raise NotYetError(
            "this danqing has no face restoration yet; leave gfpgan_visibility and codeformer_visibility at 0"
        )
    if len(texts) > context.options.limits.pictures:
        raise Refused(
            UNPROCESSABLE, f"{len(texts)} pictures are too many; at most {context.options.limits.pictures} at once"
        )
    wanted = upscale_of(request)
    if wanted is not None:
        await run(check_upscalers, wanted, context.service.catalog)
    taken = [await run(_taken_in, context, text) for text in texts]
    if wanted is None:  # A1111's upscaler "None" leaves the picture as it is
        return [await run(extra_as_it_is, data) for data, _, _ in taken]
    jobs: list[str] = []
    for _, ref, infotext in taken:
        await context.check_room(client)
        payload = enlarge_payload(ref, wanted, infotext)
        jobs.append(
            (await run(lambda payload=payload: context.service.queue.submit("enlarge", payload, client=client))).id
        )
    ended = [await context.live.ended(job) for job in jobs]
    for job in ended:
        if job.state != "done":
            raise failure_of_job(job.failure or "JobError", job.message)
    return [await run(extra_of, job) for job in ended]


def _taken_in(context: Context, text: str) -> tuple[bytes, ImageRef, str]:
    data = context.intake.bytes_of(text)
    return data, context.service.studio.images.take(data), _metadata(data).infotext or ""


@router.post("/create/embedding")
@router.post("/create/hypernetwork")
@router.post("/train/embedding")
@router.post("/train/hypernetwork")
async def make_network(request: Request) -> dict[str, str]:
    """Not yet; told with 200 and the error in `info`, as A1111 tells whatever goes wrong there."""
    await object_in(request)
    what = " ".join(request.url.path.rsplit("/", 2)[-2:])
    return {"info": f"{what} error: this danqing can't do that yet"}
