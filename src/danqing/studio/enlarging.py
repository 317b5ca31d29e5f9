"""The handler of jobs that enlarge one picture: A1111's Extras, over the queue. It runs in the worker."""

from typing import Any

from danqing.base.errors import JobError
from danqing.base.progress import Verdict
from danqing.base.refs import ImageRef
from danqing.painting.upscaling import UpscaleRequest, UpscaleStopped, postprocess_note
from danqing.pixels.files import write_picture
from danqing.studio.jobs import JsonObject
from danqing.studio.passing import passing_folder
from danqing.studio.worker import Bench


def enlarge_payload(image: ImageRef, request: UpscaleRequest, infotext: str = "") -> JsonObject:
    """What such a job holds: the picture by its hash, what is asked for, and the parameters that the picture came with."""
    return {"image": image.model_dump(), "request": request.sparse(), "infotext": infotext}


def enlarge(bench: Bench, payload: JsonObject) -> JsonObject:
    """{"path", "width", "height", "infotext"} of the enlarged picture, which lies in a passing folder."""
    from danqing.painting.upscale import Upscalers
    from danqing.weights.place import choose_place

    studio = bench.studio
    request = UpscaleRequest.model_validate(payload["request"])
    pixels = studio.images.open(ImageRef.model_validate(payload["image"]))
    upscalers = Upscalers(studio.catalog, choose_place(studio.settings.device, studio.settings.dtype))
    try:
        made = upscalers.upscale(pixels, request, bench.watch)
    except UpscaleStopped as stopped:
        if stopped.verdict is Verdict.ABANDON:
            return {}
        raise JobError("stopped before the picture was enlarged; half of one can't be kept") from stopped
    height, width = made.shape[:2]
    note = postprocess_note(request, request.upscaler, (width, height))
    before: Any = payload.get("infotext", "")
    infotext = f"{before}, {note}" if before else note
    path = passing_folder(studio.home, bench.job) / "enlarged.png"
    write_picture(path, made, infotext=infotext)
    return {"path": str(path), "width": width, "height": height, "infotext": infotext}
