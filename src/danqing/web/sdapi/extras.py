"""A1111's Extras: what its request asks of an upscaler, and how an enlarged picture is answered."""

import base64
import html
from dataclasses import dataclass
from pathlib import Path

from danqing.base.errors import ImageError
from danqing.base.job import Job
from danqing.base.protocols import Catalog
from danqing.painting.upscaling import NO_UPSCALER, UpscaleRequest, find_upscaler
from danqing.web.sdapi.requests import Extras


@dataclass(frozen=True)
class Extra:
    """A picture in base64, and what is said of it in HTML."""

    image: str
    html: str


def upscale_of(request: Extras) -> UpscaleRequest | None:
    """What is asked for; None where it is nothing. The first upscaler decides that, as in A1111."""
    if request.upscaler_1 == NO_UPSCALER:
        return None
    to_size = request.resize_mode == 1
    blended = request.upscaler_2 != NO_UPSCALER and request.extras_upscaler_2_visibility > 0
    return UpscaleRequest(
        upscaler=request.upscaler_1,
        by=request.upscaling_resize,
        width=request.upscaling_resize_w if to_size else 0,
        height=request.upscaling_resize_h if to_size else 0,
        crop=request.upscaling_crop,
        second=request.upscaler_2 if blended else "",
        visibility=request.extras_upscaler_2_visibility if blended else 0.0,
    )


def check_upscalers(request: UpscaleRequest, catalog: Catalog) -> None:
    """Raises RecipeError for an upscaler that isn't there."""
    for name in (request.upscaler, *((request.second,) if request.second else ())):
        find_upscaler(name, catalog)


def extra_of(job: Job) -> Extra:
    """The answer for a job that is done. Raises ImageError when its picture has gone meanwhile."""
    try:
        data = Path(str(job.result["path"])).read_bytes()
    except OSError as problem:
        raise ImageError("the enlarged picture was taken away before it could be answered") from problem
    return Extra(base64.b64encode(data).decode(), f"<p>{html.escape(str(job.result['infotext']))}</p>")


def extra_as_it_is(data: bytes) -> Extra:
    """The answer for a picture that nothing was asked of."""
    return Extra(base64.b64encode(data).decode(), "")
