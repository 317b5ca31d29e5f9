"""LoRA: danqing's merge against diffusers' and PEFT's, in every layout of names; and the base comes back bit for bit."""

import logging
import re
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import diffusers
import pytest
import torch
from torch import Tensor, nn

from danqing.base.errors import ModelError
from danqing.base.refs import LoraUse, ModelRef
from danqing.weights.bundle import Bundle
from danqing.weights.model import DiffusionModel
from danqing.weights.patches.lora import lay_over
from danqing.weights.patches.lora_file import read_lora, split_name
from danqing.weights.patches.names import layer_names
from danqing.weights.place import Place
from danqing.weights.save import layout_for, write_tensors
from danqing.weights.shelf import Shelf
from tests.toy.fixtures import FolderCatalog
from tests.toy.model import TOY_FAMILIES
from tests.weights.scaled import FAMILY_OF, family_named, write_oracle_folder, write_scaled

PIPELINES = {"sd1": "StableDiffusionPipeline", "sdxl_base": "StableDiffusionXLPipeline"}
BY = {"sd1": 8, "sdxl_base": 32}
"""What their widths are divided by: as small as their numbers of heads allow."""
WHERE = (
    r"(attn[12]\.to_[qkv]|to_out\.0|ff\.net\.0\.proj|proj_in|self_attn\.(q|k|v|out)_proj|mlp\.fc1|resnets\.\d\.conv1)$"
)
RANK, ALPHA = 3, 1.5


@dataclass(frozen=True)
class Setting:
    """A small checkpoint in a folder, danqing's shelf over it, and what diffusers makes of it."""

    header: str
    folder: Path
    shelf: Shelf
    pipeline: Callable[[], diffusers.DiffusionPipeline]

    def model(self, *patches: LoraUse) -> DiffusionModel:
        return self.shelf.materialise(Bundle(ModelRef(name="base"), patches=patches))


@pytest.fixture(scope="module", params=PIPELINES)
def setting(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Setting:
    root = tmp_path_factory.mktemp(request.param)
    (root / "models").mkdir()
    path = write_scaled(request.param, root / "models" / "base.safetensors", by=BY[request.param])
    configs = write_oracle_folder(
        family_named(FAMILY_OF[request.param]), root / "configs", PIPELINES[request.param], by=BY[request.param]
    )
    kind = getattr(diffusers, PIPELINES[request.param])

    def pipeline() -> diffusers.DiffusionPipeline:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return kind.from_single_file(
                str(path), config=str(configs), local_files_only=True, torch_dtype=torch.float32
            )

    return Setting(request.param, root / "models", Shelf(FolderCatalog(root / "models"), Place()), pipeline)


def factors(
    model: DiffusionModel, seed: int = 0, *, convolutions: bool = True
) -> dict[tuple[str, str], tuple[Tensor, Tensor]]:
    """(down, up) for the layers that tools train, by (part, module name)."""
    generator = torch.Generator().manual_seed(seed)
    pieces: dict[tuple[str, str], tuple[Tensor, Tensor]] = {}
    for part, network in model.parts().items():
        for name, module in network.named_modules():
            if part == "vae" or not re.search(WHERE, name) or not isinstance(module, nn.Linear | nn.Conv2d):
                continue
            if isinstance(module, nn.Conv2d) and not convolutions:
                continue
            if re.search(r"transformer_blocks\.[1-9]|layers\.([2-9]|\d\d)\.", name):
                continue  # SDXL has hundreds of equal layers; diffusers takes minutes for them
            out, inner, *kernel = module.weight.shape
            down = torch.randn((RANK, inner, *kernel), generator=generator) * 0.1
            up = torch.randn((out, RANK, *[1] * len(kernel)), generator=generator) * 0.1
            pieces[part, name] = (down, up)
    return pieces


def kohya_name(model: DiffusionModel, part: str, name: str, *, original: bool = False) -> str:
    """A layer's name as sd-scripts writes it; `original` is its way for SDXL, after Stable Diffusion's own layout."""
    if part == "unet":
        there = (
            layout_for(model, part)[f"{name}.weight"].name.removeprefix("model.diffusion_model.") if original else name
        )
        return "lora_unet_" + there.removesuffix(".weight").replace(".", "_")
    number = int(part[-1])
    tower = "te" if len(model.text_encoders) == 1 else f"te{number + 1}"
    flat = name.removeprefix("text_model.")
    return f"lora_{tower}_text_model_{flat.replace('.', '_')}"


def kohya(model: DiffusionModel, *, original: bool = False, seed: int = 0) -> dict[str, Tensor]:
    tensors: dict[str, Tensor] = {}
    for (part, name), (down, up) in factors(model, seed).items():
        stem = kohya_name(model, part, name, original=original)
        tensors |= {
            f"{stem}.lora_down.weight": down,
            f"{stem}.lora_up.weight": up,
            f"{stem}.alpha": torch.tensor(ALPHA),
        }
    return tensors


def of_diffusers(model: DiffusionModel) -> dict[str, Tensor]:
    tensors: dict[str, Tensor] = {}
    for (part, name), (down, up) in factors(model, convolutions=False).items():
        folder = {"unet": "unet", "text_encoders.0": "text_encoder", "text_encoders.1": "text_encoder_2"}[part]
        inner = name if part == "unet" else f"text_model.{name.removeprefix('text_model.')}"
        tensors |= {f"{folder}.{inner}.lora_A.weight": down, f"{folder}.{inner}.lora_B.weight": up}
    return tensors


def weights_of(model: DiffusionModel) -> dict[str, Tensor]:
    return {
        f"{part}.{name}": tensor.clone()
        for part, network in model.parts().items()
        for name, tensor in network.state_dict().items()
    }


def fused_weights(pipe: Any) -> dict[str, Tensor]:
    """The pipeline's weights after fusing, by danqing's names."""
    parts = {
        "unet": pipe.unet,
        "text_encoders.0": pipe.text_encoder,
        "text_encoders.1": getattr(pipe, "text_encoder_2", None),
    }
    return {
        f"{part}.{name.replace('.base_layer', '')}": tensor
        for part, network in parts.items()
        if network is not None
        for name, tensor in network.state_dict().items()
        if "lora_" not in name
    }


def differences(ours: Mapping[str, Tensor], theirs: Mapping[str, Tensor]) -> float:
    assert set(theirs) <= set(ours)
    return max(float((ours[name] - tensor).abs().max()) for name, tensor in theirs.items())


def use(name: str, unet: float = 1.0, text: float | None = None) -> LoraUse:
    return LoraUse(model=ModelRef(name=name), unet=unet, text=unet if text is None else text)


WRITERS: dict[str, Callable[[DiffusionModel], dict[str, Tensor]]] = {
    "kohya": lambda model: kohya(model, original=len(model.text_encoders) > 1),
    "diffusers": of_diffusers,
}


@pytest.mark.parametrize("layout", ["kohya", "diffusers"])
def test_the_merged_weights_equal_those_that_diffusers_fuses(setting: Setting, layout: str) -> None:
    path = setting.folder / f"{layout}.safetensors"
    write_tensors(path, WRITERS[layout](setting.model()))
    pipe: Any = setting.pipeline()
    logging.getLogger("transformers").setLevel(logging.ERROR)
    pipe.load_lora_weights(str(path), local_files_only=True)
    pipe.fuse_lora(lora_scale=0.7)
    plain = weights_of(setting.model())
    ours = weights_of(setting.model(use(layout, 0.7)))
    theirs = fused_weights(pipe)
    assert differences(ours, theirs) < 1e-5
    assert differences(plain, theirs) > 1e-3


@pytest.fixture
def shelf(toy_folder: Path, tmp_path: Path) -> Shelf:
    """A shelf over a folder of one's own with the toy model in it, named "base"."""
    (tmp_path / "base").symlink_to(toy_folder, target_is_directory=True)
    return Shelf(FolderCatalog(tmp_path), Place(), families=TOY_FAMILIES)


def painted(shelf: Shelf, *patches: LoraUse) -> DiffusionModel:
    return shelf.materialise(Bundle(ModelRef(name="base"), patches=patches))


def bits(model: DiffusionModel) -> dict[str, bytes]:
    return {name: tensor.numpy().tobytes() for name, tensor in weights_of(model).items()}


def test_the_base_is_bit_identical_after_a_lora_is_taken_off(shelf: Shelf, tmp_path: Path) -> None:
    before = bits(painted(shelf))
    write_tensors(tmp_path / "ink.safetensors", kohya(painted(shelf)))
    assert bits(painted(shelf, use("ink"))) != before
    assert bits(painted(shelf)) == before


def test_weight_0_is_bit_identical_to_none(shelf: Shelf, tmp_path: Path) -> None:
    before = bits(painted(shelf))
    write_tensors(tmp_path / "ink.safetensors", kohya(painted(shelf)))
    assert bits(painted(shelf, use("ink", 0.0))) == before


def test_the_two_weights_act_on_network_and_text_apart(shelf: Shelf, tmp_path: Path) -> None:
    before = weights_of(painted(shelf))
    write_tensors(tmp_path / "ink.safetensors", kohya(painted(shelf)))
    after = weights_of(painted(shelf, use("ink", 1.0, 0.0)))
    changed = {name.split(".")[0] for name, tensor in before.items() if not torch.equal(tensor, after[name])}
    assert changed == {"unet"}
    after = weights_of(painted(shelf, use("ink", 0.0, 1.0)))
    assert {name.split(".")[0] for name, tensor in before.items() if not torch.equal(tensor, after[name])} == {
        "text_encoders"
    }


def test_two_loras_add(shelf: Shelf, tmp_path: Path) -> None:
    plain = weights_of(painted(shelf))
    for seed, name in enumerate(("one", "two")):
        write_tensors(tmp_path / f"{name}.safetensors", kohya(painted(shelf), seed=seed))
    one, two, both = (
        weights_of(painted(shelf, *uses)) for uses in ([use("one")], [use("two", 0.5)], [use("one"), use("two", 0.5)])
    )
    assert max(float((both[name] - (one[name] + two[name] - plain[name])).abs().max()) for name in plain) < 1e-6
    assert differences(both, one) > 1e-3


def test_the_sum_is_rounded_once(toy_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "base").symlink_to(toy_folder, target_is_directory=True)
    exact = Shelf(FolderCatalog(tmp_path), Place(), families=TOY_FAMILIES)
    rough = Shelf(FolderCatalog(tmp_path), Place("cpu", torch.bfloat16, torch.bfloat16), families=TOY_FAMILIES)
    for seed, name in enumerate(("one", "two")):
        write_tensors(tmp_path / f"{name}.safetensors", kohya(painted(exact), seed=seed))
    wanted, found = (weights_of(painted(shelf, use("one"), use("two", -0.3))) for shelf in (exact, rough))
    assert all(torch.equal(tensor.bfloat16(), found[name]) for name, tensor in wanted.items())


def test_pefts_names_and_alpha_are_understood(shelf: Shelf, tmp_path: Path) -> None:
    model = painted(shelf)
    pieces = {name: pair for (part, name), pair in factors(model, convolutions=False).items() if part == "unet"}
    (tmp_path / "peft").mkdir()
    tensors = {f"base_model.model.{name}.lora_A.weight": down for name, (down, _) in pieces.items()}
    tensors |= {f"base_model.model.{name}.lora_B.weight": up for name, (_, up) in pieces.items()}
    write_tensors(tmp_path / "peft" / "adapter_model.safetensors", tensors)
    (tmp_path / "peft" / "adapter_config.json").write_text('{"r": 3, "lora_alpha": 6}', "utf-8")
    file = read_lora(tmp_path / "peft", TOY_FAMILIES)
    patch = lay_over(file, use("peft"), model, layer_names(model), TOY_FAMILIES)
    name, (down, up) = next(iter(pieces.items()))
    weight = model.unet.get_parameter(f"{name}.weight")
    assert (patch.matched, patch.total) == (len(pieces), len(pieces))
    assert torch.allclose(patch.applied(("unet", f"{name}.weight"), weight), weight + 2 * up @ down, atol=1e-6)


def test_diffusers_own_metadata_gives_alpha(shelf: Shelf, tmp_path: Path) -> None:
    model = painted(shelf)
    metadata = {"lora_adapter_metadata": '{"unet.r": 3, "unet.lora_alpha": 1.5, "unet.alpha_pattern": {"to_k": 3.0}}'}
    write_tensors(tmp_path / "d.safetensors", of_diffusers(model), metadata)
    layers = read_lora(tmp_path / "d.safetensors", TOY_FAMILIES).layers
    found = {
        name.rpartition(".")[2]: float(pieces["alpha"])
        for name, pieces in layers.items()
        if name.startswith("unet") and "alpha" in pieces
    }
    assert found["to_q"] == 1.5
    assert found["to_k"] == 3.0


def test_the_attention_processors_of_old_are_understood() -> None:
    assert split_name("unet.mid_block.attentions.0.attn1.processor.to_out_lora.up.weight") == (
        "unet.mid_block.attentions.0.attn1.to_out.0",
        "lora_up",
    )


def test_a_lora_for_another_family_is_refused_with_words_that_say_for_which(shelf: Shelf, tmp_path: Path) -> None:
    stem = "lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn2_to_k"
    tensors = {f"{stem}.lora_down.weight": torch.ones(4, 2048), f"{stem}.lora_up.weight": torch.ones(640, 4)}
    write_tensors(tmp_path / "ink.safetensors", tensors)
    with pytest.raises(ModelError) as refusal:
        painted(shelf, use("ink"))
    words = "ink.safetensors: LoRA is for SDXL (2048 wide text), but 'base' is toy (8 wide text); 0 of 1 layers match"
    assert str(refusal.value) == words


def test_a_lora_of_unknown_layers_is_refused(shelf: Shelf, tmp_path: Path) -> None:
    write_tensors(tmp_path / "ink.safetensors", {"lora_unet_nowhere.lora_down.weight": torch.ones(4, 8)})
    with pytest.raises(ModelError, match=r"is for another model than 'base'.*0 of 1 layers match"):
        painted(shelf, use("ink"))


def test_a_lora_that_fits_in_part_is_used_and_the_rest_is_named(
    shelf: Shelf, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    tensors = kohya(painted(shelf))
    write_tensors(tmp_path / "ink.safetensors", {**tensors, "lora_unet_nowhere.lora_down.weight": torch.ones(4, 8)})
    painted(shelf, use("ink"))
    layers = len(tensors) // 3
    assert f"ink: {layers} of {layers + 1} layers matched (lora_unet_nowhere ... not)" in caplog.text


def test_a_file_that_is_no_lora_is_refused_by_what_it_is(tmp_path: Path) -> None:
    write_tensors(tmp_path / "x.safetensors", {"emb_params": torch.ones(2, 768)})
    with pytest.raises(ModelError, match=r"no LoRA, but textual inversion for SD 1\.x"):
        read_lora(tmp_path / "x.safetensors")


@pytest.mark.parametrize("kind", ["lora", "diff"])
def test_on_an_inpainting_model_a_lora_of_the_plain_one_goes_without_its_first_layer(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    write_scaled("sd1_inpaint", tmp_path / "base.safetensors", by=8)
    shelf = Shelf(FolderCatalog(tmp_path), Place())
    before = weights_of(painted(shelf))
    width = before["unet.conv_in.weight"].shape[0]
    entrance = {
        "lora": {"lora_down.weight": torch.ones(2, 4, 3, 3), "lora_up.weight": torch.ones(width, 2, 1, 1)},
        "diff": {"diff": torch.ones(width, 4, 3, 3)},
    }[kind]
    tensors = {f"lora_unet_conv_in.{name}": tensor for name, tensor in entrance.items()}
    stem = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_q"
    tensors |= {f"{stem}.lora_down.weight": torch.ones(2, width), f"{stem}.lora_up.weight": torch.ones(width, 2)}
    write_tensors(tmp_path / "ink.safetensors", tensors)
    after = weights_of(painted(shelf, use("ink")))
    changed = [name for name, tensor in after.items() if not torch.equal(tensor, before[name])]
    assert changed == ["unet.down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q.weight"]
    assert "ink: its conv_in is left out, for that of 'base' reads another number of channels" in caplog.text
