"""Orders over /api/v1: asked for, looked over, read from a text; and the knobs that forms are drawn from."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Header, Query
from starlette.responses import Response

from danqing.base.infotext import read_infotext
from danqing.base.knobs import knobs
from danqing.base.order import Order
from danqing.base.refs import ModelRef
from danqing.diffusion.names import SAMPLER_FACTS, SCHEDULE_NAMES
from danqing.painting.plan import LATENT_UPSCALERS, PIXEL_UPSCALERS
from danqing.web.answers import Answer, StrictRoute
from danqing.web.context import TheClient, TheContext
from danqing.web.live import run
from danqing.web.native.bodies import InfotextBody, JobAnswer, PaintOrder
from danqing.web.native.job_routes import LONGEST_WAIT, Wait, answer_job

router = APIRouter(prefix="/api/v1", tags=["orders"], route_class=StrictRoute)

Key = Annotated[str, Header(max_length=200, description="The same key again gives the same job, not a new one.")]
TYPES = {int: "integer", float: "number", bool: "boolean", str: "string"}


@router.post("/orders", status_code=202, response_model=JobAnswer, responses={200: {"model": JobAnswer}})
async def order(
    asked: Annotated[PaintOrder, Body()],
    context: TheContext,
    client: TheClient,
    idempotency_key: Key = "",
    wait: Annotated[Wait, Query(description=f"Seconds to wait for the end, at most {LONGEST_WAIT}.")] = 0,
) -> Response:
    """Puts an order into the queue: 202 and the job, or 200 when it was over in time."""
    job = await context.submit(
        asked.settled(),
        client,
        keep=asked.keep,
        priority=asked.priority,
        key=idempotency_key,
        webhook=asked.webhook,
    )
    return await answer_job(context, job.id, wait, created=True)


@router.post("/orders/check")
async def check(asked: Annotated[PaintOrder, Body()], context: TheContext) -> dict[str, Any]:
    """What is wrong with an order, or unwise, before it is asked for."""
    complaints = await run(context.service.studio.check, asked.settled())
    return {
        "possible": not any(one.fatal for one in complaints),
        "complaints": [{"message": one.message, "fatal": one.fatal} for one in complaints],
    }


@router.post("/read")
async def read(body: Annotated[InfotextBody, Body()]) -> Response:
    """The order in a text with parameters, what was found in it, and what could not be used."""
    found = read_infotext(body.infotext)
    return Answer({"order": found.order.sparse(), "fields": dict(found.fields), "notes": list(found.notes)})


@router.get("/knobs")
async def list_knobs() -> list[dict[str, Any]]:
    """Every knob of an order and its recipe: what a form needs to show it. Paths are dotted from the order."""
    fields = [*knobs(Order)]
    return [
        {
            "path": field.path,
            "label": field.knob.label,
            "help": field.knob.help,
            "type": "model" if field.annotation is ModelRef else TYPES.get(field.annotation, "string"),
            "least": field.knob.least,
            "most": field.knob.most,
            "step": field.knob.step,
            "cost": field.knob.cost,
            "infotext": field.knob.infotext,
            "group": field.knob.group,
            "choices": list(field.choices or _names(field.path)),
            "default": field.default.model_dump() if isinstance(field.default, ModelRef) else field.default,
        }
        for field in fields
    ]


def _names(path: str) -> tuple[str, ...]:
    """What a text may be whose possible values stand in a table."""
    name = path.rpartition(".")[2]
    if name == "sampler":
        return tuple(SAMPLER_FACTS)
    if name == "schedule":
        return tuple(SCHEDULE_NAMES)
    return (*LATENT_UPSCALERS, *PIXEL_UPSCALERS) if name == "upscaler" else ()
