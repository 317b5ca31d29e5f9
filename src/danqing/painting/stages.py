"""The stages of painting as plain functions: a pass from noise or from the pass before, the decode, a quick preview."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from danqing.base.errors import RecipeError
from danqing.base.picture import Pixels
from danqing.base.recipe import Recipe
from danqing.base.size import latent_size
from danqing.diffusion.prediction import Prediction, prediction_of, zero_terminal_snr
from danqing.painting.guided import guided
from danqing.painting.conditioning import read_text
from danqing.painting.noises import BatchNoise
from danqing.painting.plan import LATENT_UPSCALERS, PIXEL_UPSCALERS, Pass, Plan
from danqing.painting.predictor import Predictor
from danqing.painting.watching import Report, with_watch
from danqing.weights.model import DiffusionModel
from danqing.diffusion.samplers import SAMPLERS
from danqing.diffusion.schedules import SCHEDULES, ScheduleOptions


@dataclass(frozen=True, eq=False)
class Stage:
    """What a pass leaves: latents (B, C, h, w) float32, and the model in whose format they are."""

    model: DiffusionModel
    samples: Tensor
