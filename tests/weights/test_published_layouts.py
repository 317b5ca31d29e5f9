"""Every published layout, at quarter width and full depth, against diffusers' own single-file loader: all keys, all tensors, one step."""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import diffusers
import pytest
import torch

from danqing.weights.loading import load_model
from danqing.weights.model import DiffusionModel
from danqing.weights.place import Place
from danqing.weights.single_file import UNKNOWN
from tests.weights.scaled import FAMILY_OF, family_named, write_oracle_folder, write_scaled

PIPELINES = {
    "sd1": "StableDiffusionPipeline",
    "sd1_inpaint": "StableDiffusionInpaintPipeline",
    "sd1_pix2pix": "StableDiffusionInstructPix2PixPipeline",
    "sd2": "StableDiffusionPipeline",
    "sdxl_base": "StableDiffusionXLPipeline",
    "sdxl_refiner": "StableDiffusionXLImg2ImgPipeline",
}


@dataclass(frozen=True)
class Pair:
    """One file, loaded by danqing and by diffusers."""

    header: str
    ours: DiffusionModel
    theirs: diffusers.DiffusionPipeline


@pytest.fixture(scope="module", params=PIPELINES)
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    folder = tmp_path_factory.mktemp(request.param)
    path = write_scaled(request.param, folder / "model.safetensors")
    configs = write_oracle_folder(family_named(FAMILY_OF[request.param]), folder / "configs", PIPELINES[request.param])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        kind = getattr(diffusers, PIPELINES[request.param])
        theirs = kind.from_single_file(str(path), config=str(configs), local_files_only=True, torch_dtype=torch.float32)
    yield Pair(request.param, load_model(path, Place()), theirs)
    path.unlink()


def test_the_family_is_detected(pair: Pair) -> None:
    assert pair.ours.family.name == FAMILY_OF[pair.header]


def test_every_key_of_the_file_is_consumed_or_listed_as_ignored(pair: Pair) -> None:
    origin = pair.ours.origin
    used = {source.name for part in origin.parts.values() for source in part.layout.values()}
    assert used.isdisjoint(origin.ignored)
    assert used | set(origin.ignored) == set(origin.parts["unet"].files[0].header.tensors)
    assert UNKNOWN not in origin.ignored.values()


def test_all_modules_equal_those_of_diffusers_tensor_by_tensor(pair: Pair) -> None:
    encoders = [
        one
        for one in (getattr(pair.theirs, name, None) for name in ("text_encoder", "text_encoder_2"))
        if one is not None
    ]
    assert len(encoders) == len(pair.ours.text_encoders)
    networks = [
        (pair.ours.unet, pair.theirs.unet),
        (pair.ours.vae, pair.theirs.vae),
        *zip(pair.ours.text_encoders, encoders, strict=True),
    ]
    for ours, theirs in networks:
        mine, other = ours.state_dict(), theirs.state_dict()
        assert list(mine) == list(other)
        assert [name for name in mine if not torch.equal(mine[name], other[name])] == []


def test_one_call_of_every_network_equals_diffusers(pair: Pair) -> None:
    generator = torch.Generator().manual_seed(1)
    unet = pair.ours.unet
    x = torch.randn((1, pair.ours.family.unet_channels, 8, 8), generator=generator)
    context = torch.randn((1, 77, pair.ours.context_width), generator=generator)
    extra = {}
    if pair.ours.family.size_ids:
        pooled = pair.ours.text_encoders[-1].config.projection_dim
        extra = {
            "added_cond_kwargs": {
                "text_embeds": torch.randn(1, pooled),
                "time_ids": torch.rand(1, pair.ours.family.size_ids),
            }
        }
    tokens = torch.tensor([[*range(320, 395), 1023, 1023]])
    with torch.inference_mode():
        ours, theirs = (one(x, 500, context, **extra).sample for one in (unet, pair.theirs.unet))
        pictures = [one.decode(x[:, :4]).sample for one in (pair.ours.vae, pair.theirs.vae)]
        encoder = pair.theirs.text_encoder if pair.theirs.text_encoder is not None else pair.theirs.text_encoder_2
        texts = [
            one(tokens, output_hidden_states=True).hidden_states[-2] for one in (pair.ours.text_encoders[0], encoder)
        ]
    assert torch.allclose(ours, theirs, atol=1e-4)
    assert torch.allclose(*pictures, atol=1e-4)
    assert torch.allclose(*texts, atol=1e-4)
    assert ours.isfinite().all()
