"""Prompts to what the UNet reads: chunks through the text encoders, weights laid on, one conditioning for every stretch of steps."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import torch
from torch import Tensor

from danqing.base.parts import Emphasis
from danqing.base.recipe import Recipe
from danqing.base.refs import ModelRef
from danqing.diffusion.samplers import Sampler
from danqing.painting.plan import Pass, Plan
from danqing.prompt.chunks import Chunk
from danqing.prompt.reading import ReadingOptions, read_prompt
from danqing.weights.embedding import Embedding, injected
from danqing.weights.families.family import TextTower
from danqing.weights.model import DiffusionModel, TextEncoder

AS_TYPED = ReadingOptions()
OpenEmbedding = Callable[[ModelRef], Embedding]


@dataclass(frozen=True, eq=False)
class Conditioning:
    """What cross-attention reads: context (T, width) float32, T a multiple of 77.

    SDXL's kin also read the whole prompt as one vector, `pooled` (P,), and numbers on size and crop, `size_ids` (5 or 6,).
    """

    context: Tensor
    pooled: Tensor | None = None
    size_ids: Tensor | None = None


@dataclass(frozen=True, eq=False)
class _Read:
    """What a text encoder makes of one chunk: hidden (77, width) and, of some, the whole as one vector (P,). float32."""

    hidden: Tensor
    pooled: Tensor | None


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

    parts: Sequence[Timeline]
    negative: Timeline


class TextReader:
    """Encodes prompts for one live model; equal chunks go through the encoders once.

    Every chunk is encoded by itself, so that a picture's conditioning doesn't depend on its batch.
    """

    def __init__(
        self,
        model: DiffusionModel,
        clip_skip: int,
        emphasis: Emphasis,
        embeddings: Sequence[Embedding] = (),
        *,
        skip_clip_l: bool = False,
    ) -> None:
        """`skip_clip_l`: SDXL's first encoder, which knows no clip skip, obeys it all the same."""
        self._model = model
        self._clip_skip = clip_skip
        self._skip_clip_l = skip_clip_l
        self._emphasis: Emphasis = emphasis
        self._vectors = {one.name: one.vectors_for(model) for one in embeddings}
        self._encoded: dict[Chunk, list[_Read]] = {}

    def timelines(
        self, text: str, options: ReadingOptions = AS_TYPED, size_ids: Tensor | None = None
    ) -> tuple[Timeline, ...]:
        """Every AND part of a prompt over time."""
        counts = {name: vectors[0].shape[0] for name, vectors in self._vectors.items()}
        plan = read_prompt(text, self._model.vocabulary, options, counts)
        # SDXL was trained with nothing at all where there was no prompt; A1111 and diffusers do so for the negative one.
        silent = options.negative and text == "" and size_ids is not None

        def conditioning(chunks: Sequence[Chunk]) -> Conditioning:
            context = torch.cat([self._weighted(chunk, plan.around_empty) for chunk in chunks])
            pooled = self._pooled(chunks[0])
            if silent:
                context, pooled = torch.zeros_like(context), torch.zeros_like(pooled) if pooled is not None else None
            return Conditioning(context, pooled, size_ids)

        return tuple(
            Timeline(tuple((span.until, conditioning(span.chunks)) for span in part.spans), part.weight)
            for part in plan.parts
        )

    def _pooled(self, chunk: Chunk) -> Tensor | None:
        """The vector of the whole text, by the first chunk (A1111's choice); None where no tower gives one."""
        return next((read.pooled for read in self._encoded_by_towers(chunk) if read.pooled is not None), None)

    def _weighted(self, chunk: Chunk, around_empty: bool) -> Tensor:
        """(77, width of all towers) float32, weights laid on tower by tower."""
        plain = [read.hidden for read in self._encoded_by_towers(chunk)]
        if not chunk.weighted:
            return torch.cat(plain, dim=-1)
        if not around_empty:
            return torch.cat([weighted(hidden, chunk.weights, self._emphasis) for hidden in plain], dim=-1)
        empty = [read.hidden for read in self._encoded_by_towers(empty_like(chunk))]
        scale = torch.tensor(chunk.weights, device=self._model.device).unsqueeze(1)
        return torch.cat([(z - none) * scale + none for z, none in zip(plain, empty, strict=True)], dim=-1)

    def _encoded_by_towers(self, chunk: Chunk) -> list[_Read]:
        plain = replace(chunk, weights=(1.0,) * len(chunk.weights))  # weights act on what comes out
        if plain not in self._encoded:
            self._encoded[plain] = [self._tower(number, plain) for number in range(len(self._model.text_encoders))]
        return self._encoded[plain]

    def _tower(self, number: int, chunk: Chunk) -> _Read:
        """What one text encoder makes of a chunk."""
        tower, encoder = self._model.towers[number], self._model.text_encoders[number]
        fills = [(0, place.offset, self._vectors[place.name][number]) for place in chunk.embeddings]
        with injected(encoder, fills):
            return self._hidden(tower, encoder, chunk)

    def _hidden(self, tower: TextTower, encoder: TextEncoder, chunk: Chunk) -> _Read:
        ids = torch.tensor([chunk.padded_with(tower.pad)], device=self._model.device)
        layer, final_norm = self._layer(tower), tower.final_norm
        run = cast("Any", encoder)  # transformers annotates what it returns loosely
        output = run(input_ids=ids, output_hidden_states=layer > 1 or not final_norm)
        through = layer == 1 and final_norm
        hidden: Tensor = output.last_hidden_state if through else output.hidden_states[-layer]
        if layer > 1 and final_norm:
            hidden = run.final_layer_norm(hidden)
        return _Read(hidden[0].float(), output.text_embeds[0].float() if tower.pooled else None)

    def _layer(self, tower: TextTower) -> int:
        """Which layer is read, counted from the end."""
        if tower.clip_skip:
            return tower.skip + self._clip_skip - 1
        return self._clip_skip if self._skip_clip_l and tower.layout == "clip" else tower.skip


def empty_like(chunk: Chunk) -> Chunk:
    """The chunk of an empty prompt."""
    start, end = chunk.tokens[0], chunk.tokens[-1]
    return Chunk((start, *[end] * (len(chunk.tokens) - 1)), (1.0,) * len(chunk.tokens))


def weighted(hidden: Tensor, weights: Sequence[float], emphasis: Emphasis) -> Tensor:
    """(77, width) with every token times its weight; "Original" brings the mean of the whole back to what it was."""
    if emphasis in ("Ignore", "None") or all(weight == 1 for weight in weights):
        return hidden
    scaled = hidden * torch.tensor(weights, device=hidden.device).unsqueeze(1)
    return scaled * (hidden.mean() / scaled.mean()) if emphasis == "Original" else scaled


def read_texts(
    model: DiffusionModel, plans: Sequence[Plan], number: int, sampler: Sampler, open_embedding: OpenEmbedding
) -> list[PictureText]:
    """The text of every picture of a batch, for pass `number`."""
    readers: dict[tuple[ModelRef, ...], TextReader] = {}
    texts: list[PictureText] = []
    for plan in plans:
        one, recipe = plan.passes[number], plan.recipe
        if recipe.embeddings not in readers:
            embeddings = [open_embedding(ref) for ref in recipe.embeddings]
            readers[recipe.embeddings] = TextReader(
                model, one.clip_skip, recipe.text.emphasis, embeddings, skip_clip_l=recipe.text.skip_clip_l
            )
        reader = readers[recipe.embeddings]
        options = ReadingOptions(
            dialect=recipe.dialect,
            steps=one.steps * sampler.calls_per_step,
            first_pass_steps=plan.passes[0].steps * sampler.calls_per_step if number else None,
            old_timelines=recipe.text.old_timelines,
            comma_backtrack=recipe.text.comma_backtrack,
            plain=recipe.text.emphasis == "None",
        )
        negative = replace(options, negative=True)
        texts.append(
            PictureText(
                reader.timelines(one.prompt, options, size_ids(model, recipe, one)),
                reader.timelines(one.negative_prompt, negative, size_ids(model, recipe, one, negative=True))[0],
            )
        )
    return texts


def size_ids(model: DiffusionModel, recipe: Recipe, one: Pass, *, negative: bool = False) -> Tensor | None:
    """What SDXL is told beside the text, (6,): height and width of the original, rows and columns cut off, height and width now.

    The refiner gets (5,): the last two are a score of beauty. None for families that aren't told. Podell et al. 2023,
    arXiv:2307.01952, section 2.2.
    """
    count, told = model.family.size_ids, recipe.sdxl
    if not count:
        return None
    first = (told.original_height or one.height, told.original_width or one.width, told.crop_top, told.crop_left)
    score = told.negative_score if negative else told.score
    return torch.tensor((*first, score) if count == 5 else (*first, one.height, one.width), dtype=torch.float32)
