"""The pack's networks held against ncnn's own runtime, number by number: `make test-extras` runs this in an environment of its own."""

from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from danqing.studio.fetch_packs import find_pack
from danqing.weights.header import Header, TensorInfo
from danqing.weights.upscalers.ncnn import read_ncnn
from danqing.weights.upscalers.networks import build_network
from danqing.weights.upscalers.recognition import recognise

PACK = find_pack("real-esrgan")


@pytest.fixture(scope="module")
def folder() -> Path:
    try:
        return Path(str(distribution(PACK.package).locate_file("")))
    except PackageNotFoundError:
        pytest.skip(f"{PACK.package} isn't installed here; `make test-extras` has it")


@pytest.mark.parametrize("model", PACK.models, ids=lambda model: model.name)
def test_a_packs_network_computes_what_ncnn_computes(model: Any, folder: Path) -> None:
    ncnn = pytest.importorskip("ncnn", reason="ncnn isn't installed here; `make test-extras` has it")
    param, weights = folder / model.param, folder / model.bin
    tensors = read_ncnn(param.read_text("ascii"), weights.read_bytes(), model.name)
    found = recognise(Header({name: TensorInfo("F32", tuple(one.shape)) for name, one in tensors.items()}))
    assert found is not None
    network = build_network(found.build)
    network.load_state_dict({name: one.float() for name, one in tensors.items()})
    x = torch.rand(1, 3, 24, 40, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        ours = network(x)[0].numpy()
    net = ncnn.Net()
    for option in ("fp16_packed", "fp16_storage", "fp16_arithmetic", "bf16_storage", "winograd_convolution"):
        setattr(net.opt, f"use_{option}", False)
    net.load_param(str(param))
    net.load_model(str(weights))
    run = net.create_extractor()
    run.input("data", ncnn.Mat(np.ascontiguousarray(x[0].numpy())))
    theirs = np.array(run.extract("output")[1])
    assert theirs.shape == ours.shape
    assert np.abs(ours - theirs).max() < 1e-5
