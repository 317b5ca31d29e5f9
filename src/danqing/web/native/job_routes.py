"""Jobs over /api/v1: looked at, waited for, moved, stopped; their pictures while they last; the queue as a whole."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Body, Header, Query
from starlette.responses import FileResponse, Response

from danqing.base.errors import JobError
from danqing.base.job import Job, JobState
from danqing.studio.jobs import JobPicture
from danqing.web.answers import Answer, StrictRoute
from danqing.web.context import Context, TheClient, TheContext
from danqing.web.live import run
from danqing.web.native.bodies import JobAnswer, Move, OtherJob, told_job
from danqing.web.native.files import file_answer
from danqing.web.problems import CONFLICT, NOT_FOUND, Refused

router = APIRouter(prefix="/api/v1", tags=["jobs"], route_class=StrictRoute)

LONGEST_WAIT = 600
Wait = Annotated[float, Query(ge=0, le=LONGEST_WAIT)]
Limit = Annotated[int, Query(ge=1, le=1000)]
Offset = Annotated[int, Query(ge=0, le=10**9)]


async def answer_job(context: Context, name: str, wait: float, *, created: bool = False) -> Response:
    """The job, once it is over or after so many seconds; 202 for one that was asked for and isn't over."""
    job = await found_job(context, name)
    if wait and not job.over:
        job = await context.live.ended_within(name, wait)
    answer = await told(context, job)
    status = 202 if created and not job.over else 200
    return Answer(answer.model_dump(mode="json"), status_code=status, headers={"Location": f"/api/v1/jobs/{name}"})


async def found_job(context: Context, name: str) -> Job:
    """The job of that id. Raises Refused with 404."""
    try:
        return await run(context.service.queue.get, name)
    except JobError as problem:
        raise Refused(NOT_FOUND, str(problem), problem) from problem


async def told(context: Context, job: Job) -> JobAnswer:
    """The job with its pictures so far."""
    return told_job(job, [_told_picture(one) for one in await run(context.service.queue.pictures, job.id)])


def _told_picture(picture: JobPicture) -> dict[str, Any]:
    return {
        "number": picture.number,
        "record": picture.record,
        "infotext": picture.infotext,
        "url": f"/api/v1/jobs/{picture.job}/pictures/{picture.number}",
    }


@router.post("/jobs", status_code=202, response_model=JobAnswer)
async def submit(
    asked: Annotated[OtherJob, Body()],
    context: TheContext,
    client: TheClient,
    idempotency_key: Annotated[str, Header(max_length=200)] = "",
    wait: Wait = 0,
) -> Response:
    """Puts work of another kind into the queue: "tokens", "lint" ..."""
    await context.check_room(client)
    how = {"priority": asked.priority, "client": client, "key": idempotency_key, "webhook": asked.webhook}
    job = await run(lambda: context.service.queue.submit(asked.kind, asked.payload, **how))
    return await answer_job(context, job.id, wait, created=True)


@router.get("/jobs", response_model=list[JobAnswer])
async def list_jobs(
    context: TheContext,
    state: Annotated[list[JobState] | None, Query()] = None,
    client: Annotated[str | None, Query(max_length=200)] = None,
    limit: Limit = 100,
    offset: Offset = 0,
) -> list[JobAnswer]:
    """Running jobs, queued ones in the order in which they will run, then the others, newest first."""
    queue = context.service.queue
    jobs = await run(lambda: queue.list(state or (), client=client, limit=limit, offset=offset))
    return [told_job(job, []) for job in jobs]


@router.get("/jobs/{name}", response_model=JobAnswer)
async def one_job(name: str, context: TheContext, wait: Wait = 0) -> Response:
    """One job; with `wait` once it is over, or after so many seconds."""
    return await answer_job(context, name, wait)


@router.get("/jobs/{name}/eta")
async def eta(name: str, context: TheContext) -> dict[str, float | None]:
    """Seconds until it will be done, null before anything was measured."""
    await found_job(context, name)
    return {"seconds": await run(context.service.queue.eta, name)}


@router.get("/jobs/{name}/preview", response_class=FileResponse)
async def preview(name: str, context: TheContext) -> Response:
    """A small JPEG of what is being painted; 404 where there is none."""
    said = context.service.queue.progress((await found_job(context, name)).id)
    if said is None or not said.preview:
        raise Refused(NOT_FOUND, "there is no preview of this job at this moment")
    headers = {"X-Preview-Number": str(said.preview_number), "Cache-Control": "no-store"}
    return Response(said.preview, media_type="image/jpeg", headers=headers)


@router.get("/jobs/{name}/pictures/{number}", response_class=FileResponse)
async def picture(name: str, number: int, context: TheContext) -> Response:
    """The file of a finished picture, its story inside."""
    await found_job(context, name)
    made = await run(context.service.queue.pictures, name)
    paths: list[Path] = [one.path for one in made if one.number == number]
    if not paths:
        raise Refused(NOT_FOUND, f"the job has no picture {number}; finished are {[one.number for one in made][:20]}")
    return await file_answer(context, paths[0])


@router.post("/jobs/{name}/cancel", response_model=JobAnswer)
async def cancel(name: str, context: TheContext) -> JobAnswer:
    """Stops it after the step at hand; what is finished stays."""
    return await _changed(context, name, context.service.queue.cancel)


@router.post("/jobs/{name}/finish", response_model=JobAnswer)
async def finish(name: str, context: TheContext) -> JobAnswer:
    """Decodes what is there, keeps it and ends."""
    return await _changed(context, name, context.service.queue.finish_now)


@router.post("/jobs/{name}/skip", response_model=JobAnswer)
async def skip(name: str, context: TheContext) -> JobAnswer:
    """Leaves the pictures at hand and goes on with the next."""
    return await _changed(context, name, context.service.queue.skip)


@router.post("/jobs/{name}/again", response_model=JobAnswer)
async def again(name: str, context: TheContext) -> JobAnswer:
    """A failed or cancelled job back into the queue."""
    return await _changed(context, name, context.service.queue.again)


@router.post("/jobs/{name}/move", response_model=JobAnswer)
async def move(name: str, asked: Annotated[Move, Body()], context: TheContext) -> JobAnswer:
    """A queued job in front of another one, or to the very end."""
    return await _changed(context, name, lambda job: context.service.queue.move(job, asked.before))


@router.get("/queue")
async def queue(context: TheContext) -> dict[str, Any]:
    """How many jobs wait and run, whether painting is paused, and the workers."""
    counts = {state: await run(context.service.queue.count, (state,)) for state in ("queued", "running")}
    workers = [
        {"number": one.number, "device": one.device, "ready": one.ready, "jobs": list(one.jobs), "trouble": one.trouble}
        for one in context.service.workers
    ]
    return {**counts, "paused": await run(lambda: context.service.queue.paused), "workers": workers}


@router.post("/queue/pause")
async def pause(context: TheContext) -> dict[str, bool]:
    """No further picture is begun."""
    await run(context.service.queue.pause)
    return {"paused": True}


@router.post("/queue/resume")
async def resume(context: TheContext) -> dict[str, bool]:
    """Painting goes on."""
    await run(context.service.queue.resume)
    return {"paused": False}


@router.post("/queue/cancel-all")
async def cancel_all(
    context: TheContext, client: Annotated[str | None, Query(max_length=200)] = None
) -> dict[str, int]:
    """Cancels everything that is queued or running, or all of one client."""
    return {"cancelled": await run(lambda: context.service.queue.cancel_all(client=client))}


async def _changed(context: Context, name: str, change: Callable[[str], Job]) -> JobAnswer:
    await found_job(context, name)
    try:
        return await told(context, await run(change, name))
    except JobError as problem:  # it is in a state in which that can't be done
        raise Refused(CONFLICT, str(problem), problem) from problem
