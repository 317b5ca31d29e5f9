"""A1111's progress, interrupt and skip, the task routes of its page, memory, and the stopping of the server."""

import base64
import os
import time
from typing import Annotated, Any

import psutil
from fastapi import APIRouter, Body

from danqing.base.job import Job
from danqing.web.answers import StrictRoute
from danqing.web.context import Context, TheContext
from danqing.web.live import run
from danqing.web.problems import NOT_FOUND, NotYetError, Refused
from danqing.web.sdapi.progress import Standing, fraction_of, progress_of, state_of
from danqing.web.sdapi.requests import TaskProgress

router = APIRouter(tags=["A1111"], route_class=StrictRoute)


async def standing_of(context: Context) -> Standing | None:
    """What runs at this moment, whoever asked for it; None when nothing does."""
    running = [job for job in await run(lambda: context.service.queue.list(("running",))) if job.lane == "paint"]
    if not running:
        return None
    job = running[0]
    task = context.tasks.of_job(job.id)
    wish = context.wishes.get(job.id, "")
    return Standing(
        job=job,
        progress=context.service.queue.progress(job.id),
        task=task.id if task else "",
        interrupted=wish == "interrupt",
        skipped=wish == "skip",
    )


@router.get("/sdapi/v1/progress")
async def progress(context: TheContext, skip_current_image: bool = False) -> dict[str, Any]:
    """How far the picture at hand is."""
    standing = await standing_of(context)
    if standing is None and context.tasks.waiting():
        # Asked for, and not begun: clients that wait for "idle" must not take this for it.
        idle = progress_of(None, False, time.time())
        return idle | {"state": idle["state"] | {"job": context.tasks.waiting()[0].id, "job_count": -1}}
    return progress_of(standing, not skip_current_image, time.time())


@router.post("/sdapi/v1/interrupt")
async def interrupt(context: TheContext) -> dict[str, Any]:
    """What is being painted is finished as it is; the rest of the same request is left."""
    for job in await _running(context):
        context.wishes[job.id] = "interrupt"
        await run(context.service.queue.finish_now, job.id)
        task = context.tasks.of_job(job.id)
        for other in task.jobs if task else ():
            if other != job.id:
                await run(context.service.queue.cancel, other)
    return {}


@router.post("/sdapi/v1/skip")
async def skip(context: TheContext) -> None:
    """The batch at hand is left, and the next one begun."""
    for job in await _running(context):
        context.wishes[job.id] = "skip"
        await run(context.service.queue.skip, job.id)


async def _running(context: Context) -> list[Job]:
    jobs = await run(lambda: context.service.queue.list(("running",)))
    context.forget_wishes({job.id for job in jobs})
    return [job for job in jobs if job.lane == "paint"]


@router.post("/internal/progress")
async def task_progress(asked: Annotated[TaskProgress, Body()], context: TheContext) -> dict[str, Any]:
    """How far the task of this id is."""
    task = context.tasks.find(asked.id_task or "")
    told: dict[str, Any] = {
        "active": False,
        "queued": False,
        "completed": task is not None and task.over,
        "progress": None,
        "eta": None,
        "live_preview": None,
        "id_live_preview": asked.id_live_preview,
        "textinfo": "Waiting..." if task is None or task.over else "In queue...",
    }
    standing = await standing_of(context)
    if task is None or task.over or standing is None or standing.task != task.id:
        return told | {"queued": task is not None and not task.over}
    told |= {"active": True, "progress": fraction_of(state_of(standing)), "textinfo": None}
    said = standing.progress
    if said is not None:
        told["eta"] = said.eta_s
        if asked.live_preview and said.preview and said.preview_number != asked.id_live_preview:
            told["live_preview"] = f"data:image/jpeg;base64,{base64.b64encode(said.preview).decode()}"
            told["id_live_preview"] = said.preview_number
    return told


@router.get("/internal/pending-tasks")
async def pending_tasks(context: TheContext) -> dict[str, Any]:
    """The tasks that wait or run."""
    names = [task.id for task in context.tasks.waiting()]
    return {"size": len(names), "tasks": names}


@router.get("/internal/ping")
async def ping() -> dict[str, Any]:
    """The server is there."""
    return {}


@router.get("/sdapi/v1/memory")
async def memory() -> dict[str, Any]:
    """Memory of this process; the graphics card is the worker's, and the server never looks at it."""
    used = psutil.Process(os.getpid()).memory_info().rss
    total = psutil.virtual_memory().total
    return {"ram": {"free": total - used, "used": used, "total": total}, "cuda": {"error": "unavailable"}}


@router.post("/sdapi/v1/unload-checkpoint")
@router.post("/sdapi/v1/reload-checkpoint")
async def unload_checkpoint() -> dict[str, Any]:
    """Not yet: a worker keeps its models until it needs the room."""
    raise NotYetError("this danqing can't unload a checkpoint by request yet; workers make room by themselves")


@router.post("/sdapi/v1/server-stop")
@router.post("/sdapi/v1/server-kill")
async def stop_server(context: TheContext) -> None:
    """Stops the server, where it was started so that clients may."""
    if not context.options.may_be_stopped:
        raise Refused(NOT_FOUND, "Not Found")
    context.stop()


@router.post("/sdapi/v1/server-restart")
async def restart_server(context: TheContext) -> None:
    """Not possible: nothing watches over the server that could start it again."""
    if not context.options.may_be_stopped:
        raise Refused(NOT_FOUND, "Not Found")
    raise Refused(501, "Not implemented: the server can't start itself again")
