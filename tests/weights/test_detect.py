"""What a file is, by names and shapes alone: families at every width, and the other kinds of model files."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from danqing.base.errors import ModelError
from danqing.weights.assets import embedded_model
from danqing.weights.detect import Detection, detect, detect_header
from danqing.weights.header import Header, TensorInfo
from danqing.weights.save import write_tensors
from tests.toy.model import TOY_FAMILIES, write_toy_file
from tests.weights.scaled import FAMILY_OF, published_shapes, scaled_shapes


def header(shapes: dict[str, tuple[int, ...]]) -> Header:
    return Header({name: TensorInfo("F16", shape) for name, shape in shapes.items()})


@pytest.mark.parametrize("name", FAMILY_OF)
def test_a_published_checkpoint_is_of_its_family_at_full_and_at_quarter_width(name: str) -> None:
    for shapes in (published_shapes(name), scaled_shapes(name)):
        found = detect_header(header(shapes))
        assert (found.kind, found.family) == ("checkpoint", FAMILY_OF[name])


def test_inpainting_models_of_later_families_are_told_by_their_input_channels() -> None:
    for name, family in (("sd2", "sd2_inpaint"), ("sdxl_base", "sdxl_inpaint")):
        shapes = published_shapes(name)
        first = "model.diffusion_model.input_blocks.0.0.weight"
        shapes[first] = (shapes[first][0], 9, 3, 3)
        assert detect_header(header(shapes)).family == family


def test_a_checkpoint_of_an_unknown_build_is_described() -> None:
    shapes = published_shapes("sd2")
    first = "model.diffusion_model.input_blocks.0.0.weight"
    shapes[first] = (shapes[first][0], 5, 3, 3)
    found = detect_header(header(shapes))
    assert found.kind == "unknown"
    assert "5 input channels, 320/640/1280/1280 wide, text 1024 wide" in found.note


def test_a_checkpoint_without_its_vae_says_so() -> None:
    shapes = {
        name: shape for name, shape in published_shapes("sd1").items() if not name.startswith("first_stage_model")
    }
    assert detect_header(header(shapes)) == Detection("checkpoint", "sd1", "SD 1.x, without its VAE")


def test_the_embedded_model_and_the_toy_are_detected(toy_folder: Path, tmp_path: Path) -> None:
    assert detect(embedded_model()).family == "mini"
    assert detect(toy_folder, TOY_FAMILIES).family == "toy"
    assert detect(toy_folder).family == "mini"
    assert detect(write_toy_file(tmp_path / "toy.safetensors"), TOY_FAMILIES).family == "toy"


def test_a_folder_that_is_no_model_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"model_index\.json is missing"):
        detect(tmp_path)
    (tmp_path / "model_index.json").write_text("{}", "utf-8")
    with pytest.raises(ModelError, match=r"unet/config.json: can't be read"):
        detect(tmp_path)
    (tmp_path / "unet").mkdir()
    (tmp_path / "unet" / "config.json").write_text("[", "utf-8")
    with pytest.raises(ModelError, match=r"unet/config.json: no JSON"):
        detect(tmp_path)


ATTENTION = "lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn2_to_k"
TEXT = "lora_te_text_model_encoder_layers_0_self_attn_q_proj"


@pytest.mark.parametrize(
    ("shapes", "family"),
    [
        (
            {
                f"{ATTENTION}.lora_down.weight": (8, 768),
                f"{ATTENTION}.lora_up.weight": (640, 8),
                f"{ATTENTION}.alpha": (),
            },
            "sd1",
        ),
        ({f"{ATTENTION}.lora_down.weight": (8, 1024)}, "sd2"),
        ({f"{ATTENTION}.lora_down.weight": (8, 2048)}, "sdxl"),
        ({f"{ATTENTION}.hada_w1_a": (640, 4), f"{ATTENTION}.hada_w1_b": (4, 2048)}, "sdxl"),
        ({"unet.down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k.lora_A.weight": (8, 768)}, "sd1"),
        (
            {"unet.down_blocks.1.attentions.0.transformer_blocks.0.attn2.processor.to_k_lora.down.weight": (8, 768)},
            "sd1",
        ),
        (
            {"base_model.model.down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_v.lora_A.weight": (8, 256)},
            "mini",
        ),
        ({f"{TEXT}.lora_down.weight": (8, 768)}, "sd1"),
        ({TEXT.replace("te_", "te2_") + ".lora_down.weight": (8, 1280)}, "sdxl"),
        ({f"{ATTENTION}.lokr_w1": (8, 8), f"{ATTENTION}.lokr_w2_a": (80, 4)}, ""),
    ],
)
def test_a_lora_is_of_the_family_whose_text_it_reads(shapes: dict[str, tuple[int, ...]], family: str) -> None:
    found = detect_header(header(shapes))
    assert (found.kind, found.family) == ("lora", family)


@pytest.mark.parametrize(
    ("shapes", "kind", "family"),
    [
        ({"emb_params": (4, 768)}, "embedding", "sd1"),
        ({"string_to_param.*": (2, 1024)}, "embedding", "sd2"),
        ({"clip_l": (2, 768), "clip_g": (2, 1280)}, "embedding", "sdxl"),
        ({"<cat-toy>": (768,)}, "embedding", "sd1"),
        ({"768.0.linear.0.weight": (1536, 768), "320.0.linear.0.weight": (640, 320)}, "hypernet", "sd1"),
        (
            {"control_model.input_hint_block.0.weight": (16, 3, 3, 3), "control_model.a.attn2.to_k.weight": (320, 768)},
            "controlnet",
            "sd1",
        ),
        (
            {"controlnet_cond_embedding.conv_in.weight": (16, 3, 3, 3), "d.attn2.to_k.weight": (640, 2048)},
            "controlnet",
            "sdxl",
        ),
        (
            {"encoder.down.0.block.0.conv1.weight": (128, 128, 3, 3), "decoder.conv_in.weight": (512, 4, 3, 3)},
            "vae",
            "",
        ),
        ({"model.0.weight": (64, 3, 3, 3), "model.1.sub.0.RDB1.conv1.0.weight": (32, 64, 3, 3)}, "upscaler", ""),
        ({"conv_first.weight": (64, 3, 3, 3), "body.0.rdb1.conv1.weight": (32, 64, 3, 3)}, "upscaler", ""),
        ({"text_model.encoder.layers.0.mlp.fc1.weight": (3072, 768)}, "unknown", ""),
        ({"double_blocks.0.img_attn.qkv.weight": (9216, 3072)}, "unknown", ""),
        ({"model.diffusion_model.joint_blocks.0.x.weight": (4, 4)}, "unknown", ""),
        ({"a": (3, 3)}, "unknown", ""),
        ({}, "unknown", ""),
    ],
)
def test_other_kinds_are_told_apart(shapes: dict[str, tuple[int, ...]], kind: str, family: str) -> None:
    found = detect_header(header(shapes))
    assert (found.kind, found.family) == (kind, family)
    assert found.note


def test_names_with_absurd_numbers_do_no_harm() -> None:
    shapes = published_shapes("sd1") | {"model.diffusion_model.input_blocks.999999999.0.op.weight": (1,)}
    assert detect_header(header(shapes)).kind == "unknown"


def test_detection_needs_no_torch(tmp_path: Path) -> None:
    torch.save({"state_dict": {"emb_params": torch.ones(1, 768)}}, tmp_path / "x.pt")
    write_tensors(tmp_path / "x.safetensors", {"emb_params": torch.ones(1, 768)})
    program = (
        "import sys; from pathlib import Path; from danqing.weights.detect import detect\n"
        f"print([detect(Path(name)).kind for name in {[str(tmp_path / 'x.pt'), str(tmp_path / 'x.safetensors')]}], 'torch' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert run.stdout.strip() == "['embedding', 'embedding'] False", run.stderr
