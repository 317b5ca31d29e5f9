"""The bodies of /api/v1. Unlike A1111's they refuse what they don't know: a misspelt field is an error and not a default."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from danqing.base.job import Job
from danqing.base.order import Order

Name = Annotated[str, Field(max_length=200)]


class Body(BaseModel):
    """What all bodies have in common."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class PaintOrder(Body):
    """POST /orders. Without a seed and without a policy for seeds one is drawn."""

    order: Order = Order()
    keep: bool = True
    """False: pictures lie in a passing folder for an hour and are not in the library."""
    priority: Annotated[int, Field(ge=-100, le=100)] = 0
    webhook: Annotated[str, Field(max_length=2000)] = ""

    def settled(self) -> Order:
        """The order, its seed left to chance where nothing was said of it."""
        order = self.order
        if "seed" in order.recipe.model_fields_set or "seeds" in order.model_fields_set:
            return order
        return order.but(seeds="random", left_to_model=order.left_to_model)


class OtherJob(Body):
    """POST /jobs: work of another kind than painting."""

    kind: Name
    payload: dict[str, JsonValue] = Field(default_factory=dict)
    priority: Annotated[int, Field(ge=-100, le=100)] = 0
    webhook: Annotated[str, Field(max_length=2000)] = ""


class Move(Body):
    """POST /jobs/{id}/move: in front of another queued job, or to the very end."""

    before: Name | None = None


class InfotextBody(Body):
    """POST /read: a text with parameters, A1111's or anyone's."""

    infotext: str


class MarksBody(Body):
    """PATCH /pictures/{id}: what is named is changed."""

    favourite: bool | None = None
    rating: Annotated[int | None, Field(ge=0, le=5)] = None
    boards: list[Name] | None = None
    tags: list[Name] | None = None


class PictureIds(Body):
    """POST /pictures/trash and /pictures/restore."""

    pictures: Annotated[list[Annotated[int, Field(ge=1, le=2**62)]], Field(max_length=1000)]


class JobAnswer(BaseModel):
    """A job as it is told. Times are seconds since 1970, 0 for not yet."""

    id: str
    kind: str
    state: str
    lane: str
    priority: int
    client: str
    created: float
    started: float
    ended: float
    progress: float
    message: str
    failure: str
    pictures: list[dict[str, Any]] = Field(default_factory=list)
    """Finished so far: number in the order, record in the library (0 without one), infotext, url."""
    result: dict[str, JsonValue] = Field(default_factory=dict)
    payload: dict[str, JsonValue] = Field(default_factory=dict)


def told_job(job: Job, pictures: list[dict[str, Any]]) -> JobAnswer:
    """A job for the outside: no paths of this machine, no keys."""
    fields = {name: getattr(job, name) for name in JobAnswer.model_fields if name not in ("pictures", "result")}
    result = {name: value for name, value in job.result.items() if name != "pictures"}
    return JobAnswer(**fields, pictures=pictures, result=result)
