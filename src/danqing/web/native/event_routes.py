"""Events over /api/v1, as they happen: over a WebSocket, or as server-sent events where only plain HTTP gets through."""

import json
from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any

from fastapi import APIRouter, Query, WebSocket, WebSocketDisconnect
from starlette.responses import StreamingResponse

from danqing.studio.jobs import Event
from danqing.web.context import TOO_MANY, Context, TheContext, context_of
from danqing.web.live import Live
from danqing.web.problems import Refused

router = APIRouter(prefix="/api/v1", tags=["events"])

HEARTBEAT = 15.0
"""Seconds of silence after which a sign of life is sent; proxies close what is silent for long."""
TRY_AGAIN_LATER, GOING_AWAY = 1013, 1001
JobName = Annotated[str | None, Query(max_length=100)]
Wanted = Callable[[Event], bool]


@router.get("/events", response_class=StreamingResponse)
async def event_stream(context: TheContext, job: JobName = None) -> StreamingResponse:
    """Server-sent events: everything from now on, or only what concerns one job."""
    if _full(context):
        raise Refused(TOO_MANY, "too many listen to the events already; try again later")
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(_lines(context.live, _wanted(job)), media_type="text/event-stream", headers=headers)


@router.websocket("/events/ws")
async def event_socket(socket: WebSocket, job: JobName = None) -> None:
    """The same as JSON texts over a WebSocket; {"kind": "ping"} is a sign of life."""
    context, wanted = context_of(socket), _wanted(job)
    await socket.accept()
    if _full(context):
        await socket.close(TRY_AGAIN_LATER)
        return
    try:
        async with context.live.listening() as listener:
            await socket.send_json({"kind": "hello"})
            while not listener.closed:
                event = await listener.next(HEARTBEAT)
                if event is None and not listener.closed:
                    await socket.send_json({"kind": "ping"})
                elif event is not None and wanted(event):
                    await socket.send_json(told(event))
        await socket.close(GOING_AWAY)
    except (WebSocketDisconnect, RuntimeError):  # RuntimeError: starlette's for sending to one who has left
        return


def told(event: Event) -> dict[str, Any]:
    """An event as JSON. Of a kept picture its place on this machine is left out."""
    data = {name: value for name, value in event.data.items() if name != "path"}
    return {"number": event.number, "kind": event.kind, "job": event.job, "data": data}


async def _lines(live: Live, wanted: Wanted) -> AsyncIterator[str]:
    async with live.listening() as listener:
        yield ": hello\n\n"
        while not listener.closed:
            event = await listener.next(HEARTBEAT)
            if event is None:
                yield ": ping\n\n"
            elif wanted(event):
                yield f"id: {event.number}\nevent: {event.kind}\ndata: {json.dumps(told(event))}\n\n"


def _wanted(job: str | None) -> Wanted:
    return lambda event: job is None or event.job == job


def _full(context: Context) -> bool:
    return context.live.listeners >= context.options.limits.event_listeners
