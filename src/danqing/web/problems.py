"""Errors as answers: which status each has, and the body that A1111's clients read."""

from typing import Any

from danqing.base import errors
from danqing.base.errors import DanqingError

UNPROCESSABLE, BAD_REQUEST, NOT_FOUND, CONFLICT, UNAVAILABLE, FAULT = 422, 400, 404, 409, 503, 500


class Refused(DanqingError):  # noqa: N818 - an answer, not a mishap
    """A request refused with a status of its own. `cause` gives the name that the body says."""

    def __init__(self, status: int, sentence: str, cause: BaseException | None = None) -> None:
        super().__init__(sentence)
        self.status = status
        self.kind = type(cause).__name__ if cause is not None else "HTTPException"


class NotYetError(DanqingError):
    """Something that A1111 or one of its extensions can do and this danqing can't yet."""


STATUSES: tuple[tuple[type[DanqingError], int], ...] = (
    (errors.ImageError, BAD_REQUEST),
    (errors.HardwareError, UNAVAILABLE),
    (errors.FileWriteError, 507),
    (DanqingError, UNPROCESSABLE),
)
"""The first that fits counts; what isn't of the tree is a fault of our own, 500."""


def status_of(problem: BaseException) -> int:
    """The status that an error is answered with."""
    if isinstance(problem, Refused):
        return problem.status
    return next((status for kind, status in STATUSES if isinstance(problem, kind)), FAULT)


def body_of(kind: str, sentence: str, detail: Any = None) -> dict[str, Any]:
    """The body of every error, in A1111's shape: `detail` holds the sentence too unless there is more to say."""
    return {"error": kind, "detail": sentence if detail is None else detail, "body": "", "errors": sentence}


def kind_of(problem: BaseException) -> str:
    """The name that a body says."""
    return problem.kind if isinstance(problem, Refused) else type(problem).__name__


def failure_of_job(failure: str, message: str) -> Refused:
    """The answer for a job that failed, by the name of the error it ended with."""
    found = getattr(errors, failure, None)
    if isinstance(found, type) and issubclass(found, DanqingError):
        problem = found(message)
        return Refused(status_of(problem), message, problem)
    return Refused(FAULT, message, RuntimeError())
