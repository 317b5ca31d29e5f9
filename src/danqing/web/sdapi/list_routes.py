"""A1111's lists: GET /samplers, /sd-models, /upscalers and the like, and the refreshing of them."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter

from danqing.base.errors import DanqingError
from danqing.base.protocols import ModelFile, ModelKind
from danqing.studio.phrases import read_phrases
from danqing.web.answers import StrictRoute
from danqing.web.context import Context, TheContext
from danqing.web.live import run
from danqing.web.sdapi import listing
from danqing.web.sdapi.alwayson import BUILT_IN
from danqing.web.sdapi.scripts import axis_labels
from danqing.web.sdapi.titles import titles
from danqing.weights.header import read_header

router = APIRouter(prefix="/sdapi/v1", tags=["A1111"], route_class=StrictRoute)
Listed = list[dict[str, Any]]


def _files(context: Context, kind: ModelKind) -> list[ModelFile]:
    return [one.file for one in context.service.studio.catalog.listing() if one.usable and one.file.kind == kind]


@router.get("/samplers")
async def samplers() -> Listed:
    """Samplers by A1111's names."""
    return listing.samplers()


@router.get("/schedulers")
async def schedulers() -> Listed:
    """Schedules by A1111's names and labels."""
    return listing.schedulers()


@router.get("/latent-upscale-modes")
async def latent_upscale_modes() -> Listed:
    """How latents are enlarged."""
    return [dict(mode) for mode in listing.latent_modes()]


@router.get("/upscalers")
async def upscalers(context: TheContext) -> Listed:
    """Upscalers of pictures."""
    return listing.upscalers(await run(_files, context, "upscaler"))


@router.get("/sd-models")
async def sd_models(context: TheContext) -> Listed:
    """Checkpoints."""
    return listing.checkpoints(await run(_files, context, "checkpoint"))


@router.get("/sd-vae")
async def sd_vae(context: TheContext) -> Listed:
    """VAE files."""
    return [dict(file) for file in listing.vaes(await run(_files, context, "vae"))]


@router.get("/hypernetworks")
async def hypernetworks(context: TheContext) -> Listed:
    """Hypernetworks."""
    return [dict(file) for file in listing.hypernetworks(await run(_files, context, "hypernet"))]


@router.get("/loras")
async def loras(context: TheContext) -> Listed:
    """LoRAs and their kin, with what their headers say."""
    return await run(lambda: listing.loras(_files(context, "lora"), _metadata))


@router.get("/embeddings")
async def embeddings(context: TheContext) -> dict[str, Any]:
    """Textual inversions."""
    return await run(lambda: listing.embeddings(_files(context, "embedding"), _shape))


@router.get("/face-restorers")
async def face_restorers() -> Listed:
    """None yet."""
    return []


@router.get("/realesrgan-models")
async def realesrgan_models(context: TheContext) -> Listed:
    """Upscaler files, by the names that A1111's older clients look for."""
    return [{"name": file.name, "path": str(file.path), "scale": 4} for file in await run(_files, context, "upscaler")]


@router.get("/prompt-styles")
async def prompt_styles(context: TheContext) -> Listed:
    """The styles in the home's styles.csv."""
    phrases = await run(read_phrases, context.service.studio.home)
    return [dict(style) for style in listing.styles(phrases.styles)]


@router.get("/scripts")
async def scripts() -> dict[str, list[str]]:
    """Titles of the scripts that can be asked for."""
    texts = sorted(title for title, script in BUILT_IN.items() if not script.img2img_only)
    return {"txt2img": [*texts, *titles("txt2img")], "img2img": [*sorted(BUILT_IN), *titles("img2img")]}


@router.get("/script-info")
async def script_info() -> Listed:
    """Arguments of the scripts."""
    told = [
        _script(title, always=True, image=image, arguments=script.labels)
        for image in (False, True)
        for title, script in BUILT_IN.items()
        if image or not script.img2img_only
    ]
    for image in (False, True):
        told += [_script(title, always=False, image=image) for title in titles("img2img" if image else "txt2img")]
    for one in told:
        if one["name"] == "x/y/z plot":
            labels = axis_labels(one["is_img2img"])
            one["args"] = [
                _argument(f"{axis} {what}", "", labels if what == "type" else None)
                for axis in "XYZ"
                for what in ("type", "values", "values")
            ]
    return told


@router.get("/extensions")
async def extensions() -> Listed:
    """None yet."""
    return []


@router.post("/refresh-checkpoints")
@router.post("/refresh-vae")
@router.post("/refresh-loras")
@router.post("/refresh-embeddings")
async def refresh(context: TheContext) -> None:
    """Looks for new model files."""
    await run(context.service.studio.catalog.refresh)


def _script(title: str, *, always: bool, image: bool, arguments: tuple[tuple[str, Any], ...] = ()) -> dict[str, Any]:
    args = [_argument(label, value) for label, value in arguments]
    return {"name": title, "is_alwayson": always, "is_img2img": image, "args": args}


def _argument(label: str, value: Any, choices: list[str] | None = None) -> dict[str, Any]:
    return {"label": label, "value": value, "minimum": None, "maximum": None, "step": None, "choices": choices}


def _metadata(file: ModelFile) -> Mapping[str, str]:
    try:
        return read_header(file.path).metadata
    except DanqingError:
        return {}


def _shape(file: ModelFile) -> tuple[int, int]:
    try:
        shapes = [info.shape for info in read_header(file.path).tensors.values() if len(info.shape) in (1, 2)]
    except DanqingError:
        return 0, 0
    return ((1, *shapes[0])[-2], shapes[0][-1]) if shapes else (0, 0)
