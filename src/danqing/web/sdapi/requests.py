"""The bodies of A1111's requests with the defaults that its clients rely on. A field sent as null is a field not sent; unknown ones are ignored."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

Unit = Annotated[float, Field(ge=0, le=1)]
JsonObject = dict[str, Any]


def _seed(value: object) -> object:
    """A1111 draws a seed for whatever is no number; below zero torch counts back from the largest seed."""
    if isinstance(value, bool) or value is None:
        return -1
    try:
        number = int(cast("Any", value))
    except (TypeError, ValueError, OverflowError):
        return -1
    return number if number >= -1 else 2**64 - 1 + number


Seed = Annotated[int, BeforeValidator(_seed)]


class Request(BaseModel):
    """What every body has in common: nulls count as not sent, unknown fields are ignored, infinities refused."""

    model_config = ConfigDict(extra="ignore", allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, body: object) -> object:
        if isinstance(body, Mapping):
            return {name: value for name, value in cast("Mapping[str, object]", body).items() if value is not None}
        return body


class Painting(Request):
    """What txt2img and img2img share. `None` leaves a field to the option of that name."""

    prompt: str = ""
    negative_prompt: str = ""
    styles: list[str] | None = None
    seed: Seed = -1
    subseed: Seed = -1
    subseed_strength: float = 0
    seed_resize_from_h: int = -1
    seed_resize_from_w: int = -1
    sampler_name: str | None = None
    sampler_index: str = "Euler"
    scheduler: str | None = None
    batch_size: int = 1
    n_iter: int = 1
    steps: int = 50
    cfg_scale: float = 7
    distilled_cfg_scale: float = 3.5
    width: int = 512
    height: int = 512
    restore_faces: bool | None = None
    tiling: bool | None = None
    do_not_save_samples: bool = False
    do_not_save_grid: bool = False
    eta: float | None = None
    denoising_strength: float = 0.75
    s_min_uncond: float | None = None
    s_churn: float | None = None
    s_tmax: float | None = None
    s_tmin: float | None = None
    s_noise: float | None = None
    override_settings: JsonObject | None = None
    override_settings_restore_afterwards: bool = True
    refiner_checkpoint: str | None = None
    refiner_switch_at: float | None = None
    disable_extra_networks: bool = False
    firstpass_image: str | None = None
    comments: JsonObject | None = None
    force_task_id: str | None = None
    infotext: str | None = None
    script_name: str | None = None
    script_args: list[Any] = Field(default_factory=list)
    send_images: bool = True
    save_images: bool = False
    alwayson_scripts: JsonObject = Field(default_factory=dict)


class TextToImage(Painting):
    """POST /sdapi/v1/txt2img."""

    enable_hr: bool = False
    firstphase_width: int = 0
    firstphase_height: int = 0
    hr_scale: float = 2
    hr_upscaler: str | None = None
    hr_second_pass_steps: int = 0
    hr_resize_x: int = 0
    hr_resize_y: int = 0
    hr_checkpoint_name: str | None = None
    hr_sampler_name: str | None = None
    hr_scheduler: str | None = None
    hr_prompt: str = ""
    hr_negative_prompt: str = ""


class ImageToImage(Painting):
    """POST /sdapi/v1/img2img."""

    init_images: list[str] | None = None
    mask: str | None = None
    resize_mode: int = 0
    image_cfg_scale: float | None = None
    mask_blur: int | None = None
    mask_blur_x: int = 4
    mask_blur_y: int = 4
    mask_round: bool = True
    inpainting_fill: int = 0
    inpaint_full_res: bool = True
    inpaint_full_res_padding: int = 0
    inpainting_mask_invert: int = 0
    initial_noise_multiplier: float | None = None
    latent_mask: str | None = None
    include_init_images: bool = False


class Extras(Request):
    """What both extras endpoints share."""

    resize_mode: Literal[0, 1] = 0
    show_extras_results: bool = True
    gfpgan_visibility: Unit = 0
    codeformer_visibility: Unit = 0
    codeformer_weight: Unit = 0
    upscaling_resize: Annotated[float, Field(gt=0, le=8)] = 2
    upscaling_resize_w: Annotated[int, Field(ge=1)] = 512
    upscaling_resize_h: Annotated[int, Field(ge=1)] = 512
    upscaling_crop: bool = True
    upscaler_1: str = "None"
    upscaler_2: str = "None"
    extras_upscaler_2_visibility: Unit = 0
    upscale_first: bool = False


class ExtraSingle(Extras):
    """POST /sdapi/v1/extra-single-image."""

    image: str = ""


class NamedImage(Request):
    """One picture of a batch."""

    data: str
    name: str = ""


class ExtraBatch(Extras):
    """POST /sdapi/v1/extra-batch-images."""

    imageList: list[NamedImage]  # noqa: N815 - the name that clients send


class PngInfo(Request):
    """POST /sdapi/v1/png-info."""

    image: str


class Interrogate(BaseModel):
    """POST /sdapi/v1/interrogate. Here a null means something: there is no picture, which is answered with 404."""

    image: str | None = ""
    model: str = "clip"


class TaskProgress(Request):
    """POST /internal/progress."""

    id_task: str | None = None
    id_live_preview: int = -1
    live_preview: bool = True
