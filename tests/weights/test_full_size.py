"""Published checkpoints at full size, against diffusers' loader. Gigabytes and minutes: only with `make soak`."""

import warnings
from pathlib import Path

import diffusers
import pytest
import torch

from danqing.weights.loading import load_model
from danqing.weights.place import Place
from danqing.weights.single_file import UNKNOWN
from tests.weights.scaled import FAMILY_OF, family_named, write_oracle_folder, write_scaled
from tests.weights.test_published_layouts import PIPELINES

HALF = Place("cpu", torch.float16, torch.float16)


@pytest.mark.soak
@pytest.mark.timeout(900)
@pytest.mark.parametrize("header", PIPELINES)
def test_a_checkpoint_of_full_size_equals_diffusers_tensor_by_tensor(header: str, tmp_path: Path) -> None:
    path = write_scaled(header, tmp_path / "model.safetensors", by=1)
    family = family_named(FAMILY_OF[header])
    configs = write_oracle_folder(family, tmp_path / "configs", PIPELINES[header], by=1)
    ours = load_model(path, HALF)
    assert UNKNOWN not in ours.origin.ignored.values()
    weight = ours.unet.get_parameter("conv_in.weight")
    assert weight.data_ptr() == ours.origin.tensor("unet", "conv_in.weight").data_ptr()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        kind = getattr(diffusers, PIPELINES[header])
        theirs = kind.from_single_file(str(path), config=str(configs), local_files_only=True, torch_dtype=torch.float16)
    encoders = [getattr(theirs, name, None) for name in ("text_encoder", "text_encoder_2")]
    others = [theirs.unet, theirs.vae, *(one for one in encoders if one is not None)]
    for mine, other in zip(ours.parts().values(), others, strict=True):
        mine, other = mine.state_dict(), other.state_dict()
        assert list(mine) == list(other)
        assert [name for name in mine if not torch.equal(mine[name], other[name])] == []
    path.unlink()
