"""A1111's options: which of them danqing knows, what each means in a recipe, and the file that keeps what a client has set.

Settings never change a pixel here: options that do are laid into every recipe that comes through this door.
"""

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

from pydantic import ConfigDict, JsonValue, TypeAdapter, ValidationError

from danqing.base.errors import SettingsError
from danqing.base.infotext_read import model_of_title
from danqing.pixels.writing import write_aside

log = logging.getLogger(__name__)

NOTHING = ("", "none", "automatic", "auto")
"""Words that choose no file."""
FINITE = ConfigDict(allow_inf_nan=False)
EMPHASES = ("None", "Ignore", "Original", "No norm")


def _same(value: Any) -> object:
    return value


def _noise_source(value: Any) -> object:
    """A1111's "GPU" is what NVIDIA cards give, and here on every machine."""
    return "CPU" if str(value).upper() == "CPU" else "NV"


def _file(value: Any) -> object:
    word = str(value).strip()
    return {"name": "", "sha256": ""} if word.casefold() in NOTHING else model_of_title(word).model_dump()


def _emphasis(value: Any) -> object:
    return value if value in EMPHASES else "Original"


def _zero_snr(value: Any) -> object:
    return str(value).casefold() == "zero terminal snr"


@dataclass(frozen=True)
class Option:
    """`default` also gives the type; `path` is the recipe's field, '' for what is kept and given back but decides nothing here."""

    default: JsonValue
    path: str = ""
    meant: Callable[[Any], object] = _same

    def checked(self, name: str, value: object) -> JsonValue:
        """The value in the option's type. Raises SettingsError."""
        if self.default is None:
            return cast("JsonValue", value)
        try:
            return TypeAdapter(type(self.default), config=FINITE).validate_python(value)
        except ValidationError as problem:
            kind = type(self.default).__name__
            raise SettingsError(f"the option {name} must be of type {kind}, found {str(value)[:60]!r}") from problem


PAINTED: Mapping[str, Option] = MappingProxyType(
    {
        "CLIP_stop_at_last_layers": Option(1, "clip_skip"),
        "sd_vae": Option("Automatic", "vae", _file),
        "tiling": Option(False, "tiling"),
        "randn_source": Option("CPU", "noise.source", _noise_source),
        "eta_noise_seed_delta": Option(0, "noise.seed_delta"),
        "emphasis": Option("Original", "text.emphasis", _emphasis),
        "comma_padding_backtrack": Option(20, "text.comma_backtrack"),
        "pad_cond_uncond": Option(False, "text.pad_prompts"),
        "use_old_scheduling": Option(False, "text.old_timelines"),
        "sdxl_clip_l_skip": Option(False, "text.skip_clip_l"),
        "sdxl_crop_top": Option(0, "sdxl.crop_top"),
        "sdxl_crop_left": Option(0, "sdxl.crop_left"),
        "sdxl_refiner_low_aesthetic_score": Option(2.5, "sdxl.negative_score"),
        "sdxl_refiner_high_aesthetic_score": Option(6.0, "sdxl.score"),
        "eta_ancestral": Option(1.0, "sampling.eta"),
        "eta_ddim": Option(0.0, "sampling.eta_ddim"),
        "s_churn": Option(0.0, "sampling.churn"),
        "s_tmin": Option(0.0, "sampling.churn_from"),
        "s_tmax": Option(0.0, "sampling.churn_to"),
        "s_noise": Option(1.0, "sampling.noise"),
        "sigma_min": Option(0.0, "sampling.sigma_min"),
        "sigma_max": Option(0.0, "sampling.sigma_max"),
        "rho": Option(0.0, "sampling.rho"),
        "beta_dist_alpha": Option(0.6, "sampling.beta_alpha"),
        "beta_dist_beta": Option(0.6, "sampling.beta_beta"),
        "always_discard_next_to_last_sigma": Option(False, "sampling.discard_penultimate"),
        "sgm_noise_multiplier": Option(False, "sampling.sgm_noise"),
        "sd_noise_schedule": Option("Default", "sampling.zero_terminal_snr", _zero_snr),
        "uni_pc_variant": Option("bh1", "sampling.unipc_variant"),
        "uni_pc_order": Option(3, "sampling.unipc_order"),
        "uni_pc_lower_order_final": Option(True, "sampling.unipc_lower_final"),
        "s_min_uncond": Option(0.0, "guidance.skip_below_sigma"),
        "skip_early_cond": Option(0.0, "guidance.start"),
        "token_merging_ratio": Option(0.0, "speed.token_merging"),
        "token_merging_ratio_hr": Option(0.0, "speed.token_merging_hires"),
        "img2img_color_correction": Option(False, "init.color_correction"),
        "img2img_fix_steps": Option(False, "init.full_steps"),
        "img2img_background_color": Option("#ffffff", "init.background"),
        "img2img_extra_noise": Option(0.0, "init.extra_noise"),
        "initial_noise_multiplier": Option(1.0, "init.noise_multiplier"),
        "inpainting_mask_weight": Option(1.0, "inpaint.mask_weight"),
    }
)
"""Options that decide about pixels, by the recipe's field they become."""

MODEL = "sd_model_checkpoint"
ANSWERED: Mapping[str, Option] = MappingProxyType(
    {
        MODEL: Option(""),
        "samples_format": Option("png"),
        "jpeg_quality": Option(95),
        "return_grid": Option(True),
        "face_restoration": Option(False),
        "face_restoration_model": Option("CodeFormer"),
        "code_former_weight": Option(0.5),
        "enable_prompt_comments": Option(True),
        "show_progressbar": Option(True),
        "live_previews_enable": Option(True),
        "show_progress_every_n_steps": Option(10),
        "upscaler_for_img2img": Option("None"),
    }
)
"""Options with a meaning in this door or in danqing's settings."""

KEPT: Mapping[str, Option] = MappingProxyType(
    {
        "samples_save": Option(True),
        "grid_save": Option(True),
        "enable_pnginfo": Option(True),
        "save_txt": Option(False),
        "send_seed": Option(True),
        "send_size": Option(True),
        "sd_checkpoint_cache": Option(0),
        "sd_vae_checkpoint_cache": Option(0),
        "sd_checkpoints_limit": Option(1),
        "sd_vae_as_default": Option(True),
        "upcast_attn": Option(False),
        "auto_vae_precision": Option(True),
        "live_previews_image_format": Option("png"),
        "live_preview_refresh_period": Option(1000),
        "memmon_poll_rate": Option(8),
        "interrogate_return_ranks": Option(False),
        "interrogate_keep_models_in_memory": Option(False),
        "deepbooru_sort_alpha": Option(True),
        "quicksettings_list": Option(["sd_model_checkpoint"]),
        "hide_samplers": Option([]),
        "hidden_tabs": Option([]),
        "localization": Option("None"),
        "gallery_height": Option(""),
        "ESRGAN_tile": Option(192),
        "ESRGAN_tile_overlap": Option(8),
    }
)
"""Options that clients read and write back; they are kept and decide nothing here."""

OPTIONS: Mapping[str, Option] = MappingProxyType({**PAINTED, **ANSWERED, **KEPT})
DEFAULTS: Mapping[str, JsonValue] = MappingProxyType({name: option.default for name, option in OPTIONS.items()})
OF_SETTINGS: Mapping[str, str] = MappingProxyType(
    {MODEL: "default_model", "samples_format": "picture_format", "jpeg_quality": "quality"}
)
"""Options that are danqing's own settings, kept in settings.json and nowhere else."""


def recipe_fields(options: Mapping[str, Any]) -> dict[str, object]:
    """What options mean by the recipe's dotted paths; options that decide nothing are left out. Raises SettingsError for a wrong type."""
    return {
        option.path: option.meant(option.checked(name, options[name]))
        for name, option in PAINTED.items()
        if name in options and options[name] is not None
    }


@dataclass(frozen=True)
class OptionFile:
    """The home's sdapi-options.json: what clients have set that is not one of danqing's own settings."""

    path: Path

    def read(self) -> dict[str, JsonValue]:
        """What was set. A file that can't be read, or a value of a wrong type, counts as not set and is logged."""
        try:
            found: object = json.loads(self.path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, RecursionError) as problem:
            log.warning("%s can't be read (%s); its options are left out", self.path, problem)
            return {}
        given = cast("dict[str, object]", found) if isinstance(found, dict) else {}
        return self._usable(given)

    def change(self, changes: Mapping[str, JsonValue]) -> None:
        """Lays changes over what is there. Raises SettingsError or FileWriteError; then nothing is changed."""
        checked = {name: OPTIONS[name].checked(name, value) for name, value in changes.items()}
        merged = {**self.read(), **checked}
        write_aside(self.path, (json.dumps(merged, indent=2, ensure_ascii=False) + "\n").encode())

    def _usable(self, given: Mapping[str, object]) -> dict[str, JsonValue]:
        usable: dict[str, JsonValue] = {}
        for name, value in given.items():
            if name not in OPTIONS:
                continue
            try:
                usable[name] = OPTIONS[name].checked(name, value)
            except SettingsError as problem:
                log.warning("%s: %s; its default is taken", self.path, problem)
        return usable
