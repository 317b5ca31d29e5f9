"""POST /sdapi/v1/txt2img and img2img: the request becomes orders, the orders jobs, and the call waits for them without holding a thread."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Body
from starlette.responses import Response

from danqing.base.errors import DanqingError
from danqing.base.job import Job
from danqing.base.refs import ImageRef, ModelRef
from danqing.studio.studio import draw_seed
from danqing.web.answers import StrictRoute
from danqing.web.context import TOO_MANY, Context, TheClient, TheContext
from danqing.web.live import run
from danqing.web.problems import NOT_FOUND, Refused, failure_of_job
from danqing.web.sdapi.answering import answer_of
from danqing.web.sdapi.asked import Asked
from danqing.web.sdapi.option_routes import options_in_force
from danqing.web.sdapi.requests import ImageToImage, Painting, TextToImage
from danqing.web.sdapi.scripts import asked_of
from danqing.web.sdapi.translate import Around, options_of

router = APIRouter(prefix="/sdapi/v1", tags=["A1111"], route_class=StrictRoute)


@router.post("/txt2img")
async def text_to_image(request: Annotated[TextToImage, Body()], context: TheContext, client: TheClient) -> Response:
    """Paints from a prompt and answers when it is done."""
    return await _paint(request, context, client, "txt2img")


@router.post("/img2img")
async def image_to_image(request: Annotated[ImageToImage, Body()], context: TheContext, client: TheClient) -> Response:
    """Paints over a picture and answers when it is done."""
    if not request.init_images:
        raise Refused(NOT_FOUND, "Init image not found")
    return await _paint(request, context, client, "img2img")


async def _paint(request: Painting, context: Context, client: str, kind: str) -> Response:
    if context.live.waiting >= context.options.limits.open_calls:
        raise Refused(TOO_MANY, "too many calls are waiting for their pictures; try again when some are done")
    # The seeds are drawn here, once: what is answered and what is painted must be of the same.
    stored, asked = await run(_asked, request, context)
    task = context.tasks.begin(kind, request.force_task_id)
    try:
        for order in asked.orders:
            job = await context.submit(order, client, keep=request.save_images)
            task.jobs.append(job.id)
        jobs = [await context.live.ended(job) for job in task.jobs]
    except BaseException:
        await _leave(context, task.jobs)
        raise
    finally:
        task.over = True
    _refuse_failures(jobs)
    options = options_of(request, stored)
    return Response(
        await run(answer_of, request, asked, jobs, options, lambda ref: _family(context, ref)),
        media_type="application/json",
    )


def _asked(request: Painting, context: Context) -> tuple[dict[str, Any], Asked]:
    stored = options_in_force(context)
    init, mask = (), None
    if isinstance(request, ImageToImage):
        init = tuple(_taken(context, text) for text in request.init_images or ())
        mask = _taken(context, request.mask) if request.mask else None
    around = Around(
        stored, draw_seed, lambda name: _has_checkpoint(context, name), init, mask, context.service.studio.images
    )
    return stored, asked_of(request, around)


def _taken(context: Context, text: str) -> ImageRef:
    return context.service.studio.images.take(context.intake.bytes_of(text))


def _has_checkpoint(context: Context, name: str) -> bool:
    try:
        context.service.studio.catalog.look_up(name, "checkpoint")
    except DanqingError:
        return False
    return True


def _family(context: Context, ref: ModelRef) -> str:
    try:
        return context.service.catalog.find(ref).family
    except DanqingError:  # it was taken away while it painted
        return ""


def _refuse_failures(jobs: Sequence[Job]) -> None:
    for job in jobs:
        if job.state == "failed":
            raise failure_of_job(job.failure, job.message)


async def _leave(context: Context, jobs: Sequence[str]) -> None:
    """The rest of a request that can't be answered any more is not painted, unless the server is only being stopped."""
    if context.live.stopping:
        return
    for job in jobs:
        await run(context.service.queue.cancel, job)
