"""The application: every door's routes over one running studio. Made by `make_app`; `server` runs it."""

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp

import danqing
from danqing.base.errors import DanqingError
from danqing.studio.service import Service
from danqing.web.answers import Answer
from danqing.web.context import Context, ServeOptions, context_of
from danqing.web.guard import Guard
from danqing.web.images import Intake
from danqing.web.live import Live, run
from danqing.web.metrics import Metrics
from danqing.web.native import event_routes, job_routes, model_routes, order_routes, picture_routes, upload_routes
from danqing.web.problems import UNPROCESSABLE, body_of, kind_of, status_of
from danqing.web.schema import describe
from danqing.web.sdapi import list_routes, option_routes, paint_routes, start_routes, state_routes
from danqing.web.sdapi import picture_routes as sd_picture_routes
from danqing.web.tasks import Tasks

log = logging.getLogger(__name__)

ROUTERS = (
    paint_routes.router,
    sd_picture_routes.router,
    option_routes.router,
    list_routes.router,
    state_routes.router,
    start_routes.router,
    order_routes.router,
    job_routes.router,
    picture_routes.router,
    model_routes.router,
    upload_routes.router,
    event_routes.router,
)
LONGEST_ECHO = 200
"""Letters of a wrong value that are given back."""


def make_app(service: Service, options: ServeOptions, stop: Callable[[], None]) -> FastAPI:
    """The application over a service that runs already; `stop` asks the server to end."""
    metrics = Metrics()
    context = Context(
        service=service,
        options=options,
        live=Live(service),
        metrics=metrics,
        intake=Intake(options.limits, options.allow_urls),
        tasks=Tasks(),
        stop=stop,
    )

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with context.live:
            yield

    app = FastAPI(
        title="danqing",
        version=danqing.__version__,
        lifespan=lifespan,
        default_response_class=Answer,
        docs_url=None,  # FastAPI's pages fetch their scripts from somewhere else
        redoc_url=None,
        description="danqing's own API below /api/v1, and AUTOMATIC1111's below /sdapi/v1.",
    )
    app.state.context = context
    app.openapi = partial(describe, app)
    for router in ROUTERS:
        app.include_router(router)
    app.get("/healthz", tags=["operation"])(healthz)
    app.get("/metrics", tags=["operation"], response_class=PlainTextResponse)(metrics_text)
    for kind, answer in (
        (DanqingError, _refused),
        (RequestValidationError, _invalid),
        (HTTPException, _http),
        (Exception, _fault),
    ):
        app.add_exception_handler(kind, answer)
    return app


def guarded(app: FastAPI, options: ServeOptions) -> ASGIApp:
    """The application behind its guard; what is to be served."""
    shared: ASGIApp = app
    if options.access.origins:
        shared = CORSMiddleware(
            app, allow_origins=options.access.origins, allow_methods=["*"], allow_headers=["*"], allow_credentials=True
        )
    return Guard(shared, options.access, options.limits, app.state.context.metrics)


async def healthz() -> dict[str, str]:
    """The server is there."""
    return {"status": "ok", "version": danqing.__version__}


async def metrics_text(request: Request) -> Response:
    """For Prometheus."""
    context = context_of(request)
    queue = context.service.queue
    gauges = {
        f'danqing_jobs{{state="{state}"}}': float(await run(queue.count, (state,))) for state in ("queued", "running")
    }
    ready = sum(1 for worker in context.service.workers if worker.ready)
    gauges |= {
        "danqing_workers_ready": float(ready),
        "danqing_calls_waiting": float(context.live.waiting),
        "danqing_event_listeners": float(context.live.listeners),
    }
    return PlainTextResponse(context.metrics.text(gauges))


async def _refused(request: Request, problem: Exception) -> Response:
    return Answer(body_of(kind_of(problem), str(problem)), status_code=status_of(problem))


async def _invalid(request: Request, problem: Exception) -> Response:
    """FastAPI's list of what is wrong, in A1111's wrapper; wrong values are cut short and never given back whole."""
    assert isinstance(problem, RequestValidationError)
    details = [
        {
            "loc": [str(part)[:LONGEST_ECHO] for part in one["loc"]],
            "msg": str(one["msg"])[:LONGEST_ECHO],
            "type": one["type"],
        }
        for one in problem.errors()[:20]
    ]
    first = details[0] if details else {"loc": ["body"], "msg": "is not valid"}
    sentence = f"{'.'.join(first['loc'])}: {first['msg']}"
    return Answer(body_of("RequestValidationError", sentence, details), status_code=UNPROCESSABLE)


async def _http(request: Request, problem: Exception) -> Response:
    assert isinstance(problem, HTTPException)
    body: dict[str, Any] = body_of("HTTPException", str(problem.detail))
    return Answer(body, status_code=problem.status_code, headers=problem.headers)


async def _fault(request: Request, problem: Exception) -> Response:
    """A fault of our own: the traceback goes to the log, and never out."""
    log.error("%s %s failed by a fault of danqing's own", request.method, request.url.path, exc_info=problem)
    sentence = f"a fault of danqing's own ({type(problem).__name__}); its log says more"
    return Answer(body_of(type(problem).__name__, sentence), status_code=500)
