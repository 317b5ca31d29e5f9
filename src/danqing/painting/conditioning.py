"""Prompts to what the UNet reads: chunks through the text encoders, weights laid on, one conditioning for every stretch of steps."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import CLIPTextModel

from danqing.base.parts import Emphasis
from danqing.diffusion.samplers import Sampler
from danqing.painting.plan import Plan
from danqing.prompt.chunks import Chunk
from danqing.prompt.reading import PromptPlan, ReadingOptions, read_prompt
from danqing.weights.families import TextTower
from danqing.weights.model import DiffusionModel


@dataclass(frozen=True, eq=False)
class Conditioning:
    """What cross-attention reads: context (T, width) float32, T a multiple of 77."""

    context: Tensor


@dataclass(frozen=True, eq=False)
class Timeline:
    """One prompt part over the calls of a sampler: the first span whose `until` is not below the call counts (A1111's count)."""

    spans: tuple[tuple[int, Conditioning], ...]
    weight: float = 1.0

    def at(self, call: int) -> Conditioning:
        """The conditioning for call number `call`, counted from 0."""
        for until, conditioning in self.spans:
            if call <= until:
                return conditioning
        return self.spans[-1][1]


@dataclass(frozen=True, eq=False)
class PictureText:
    """Prompt parts (joined by AND) and negative prompt of one picture."""

    parts: tuple[Timeline, ...]
    negative: Timeline


class TextReader:
    """Encodes prompts for one live model; equal chunks go through the encoders once.

    Every chunk is encoded by itself, so that a picture's conditioning doesn't depend on its batch.
    """

    def __init__(self, model: DiffusionModel, clip_skip: int, emphasis: Emphasis) -> None:
        self._model = model
        self._clip_skip = clip_skip
        self._emphasis: Emphasis = emphasis
        self._encoded: dict[Chunk, Tensor] = {}

    def timelines(self, plan: PromptPlan) -> tuple[Timeline, ...]:
        """Every AND part of a prompt over time."""
        return tuple(
            Timeline(tuple((span.until, self._conditioning(span.chunks)) for span in part.spans), part.weight)
            for part in plan.parts
        )

    def _conditioning(self, chunks: Sequence[Chunk]) -> Conditioning:
        return Conditioning(torch.cat([self._encode(chunk) for chunk in chunks]))

    def _encode(self, chunk: Chunk) -> Tensor:
        if chunk not in self._encoded:
            towers = zip(self._model.family.towers, self._model.text_encoders, strict=True)
            widths = [self._tower(tower, encoder, chunk) for tower, encoder in towers]
            self._encoded[chunk] = torch.cat(widths, dim=-1)
        return self._encoded[chunk]

    def _tower(self, tower: TextTower, encoder: CLIPTextModel, chunk: Chunk) -> Tensor:
        """(77, width) float32."""
        ids = torch.tensor([tower_tokens(chunk.tokens, tower)], device=self._model.device)
        layer = tower.skip + self._clip_skip - 1
        output = encoder(input_ids=ids, output_hidden_states=layer > 1)
        if layer == 1:
            hidden = output.last_hidden_state
        else:
            hidden = output.hidden_states[-layer]
            hidden = encoder.final_layer_norm(hidden) if tower.final_norm else hidden
        return weighted(hidden[0].float(), chunk.weights, self._emphasis)


def tower_tokens(tokens: Sequence[int], tower: TextTower) -> list[int]:
    """A chunk's tokens as an encoder wants them: everything after the first end token is its own padding."""
    end = tokens.index(tower.eos)
    return [*tokens[: end + 1], *[tower.pad] * (len(tokens) - end - 1)]


def weighted(hidden: Tensor, weights: Sequence[float], emphasis: Emphasis) -> Tensor:
    """(77, width) with every token times its weight; "Original" brings the mean of the whole back to what it was."""
    if emphasis in ("Ignore", "None") or all(weight == 1 for weight in weights):
        return hidden
    scaled = hidden * torch.tensor(weights, device=hidden.device).unsqueeze(1)
    return scaled * (hidden.mean() / scaled.mean()) if emphasis == "Original" else scaled


def read_texts(model: DiffusionModel, plans: Sequence[Plan], number: int, sampler: Sampler) -> list[PictureText]:
    """The text of every picture of a batch, for pass `number`."""
    one = plans[0].passes[number]
    reader = TextReader(model, one.clip_skip, plans[0].recipe.text.emphasis)
    texts: list[PictureText] = []
    for plan in plans:
        words = plan.passes[number]
        recipe = plan.recipe
        steps = one.steps * sampler.calls_per_step
        settings = ReadingOptions(
            dialect=recipe.dialect,
            steps=steps,
            first_pass_steps=plan.passes[0].steps * sampler.calls_per_step if number else None,
            old_timelines=recipe.text.old_timelines,
            comma_backtrack=recipe.text.comma_backtrack,
            plain=recipe.text.emphasis == "None",
        )
        positive = read_prompt(words.prompt, model.vocabulary, settings)
        negative = read_prompt(words.negative_prompt, model.vocabulary, settings)
        texts.append(PictureText(reader.timelines(positive), reader.timelines(negative)[0]))
    return texts
