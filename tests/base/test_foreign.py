"""Pictures of other tools: what maps to an order is read, what doesn't is told. The data are our own, in their public formats."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from danqing.base.errors import DanqingError, RecipeError
from danqing.base.foreign import read_texts
from danqing.base.foreign_words import model_name, sampler_words
from danqing.base.recipe import Recipe
from danqing.base.refs import LoraUse, ModelRef


def read(texts: dict[str, str], size: tuple[int, int] | None = None) -> tuple[Recipe, str]:
    found = read_texts(texts, size)
    assert found is not None
    return found.order.recipe, " | ".join(found.notes)


def node(kind: str, **inputs: object) -> dict[str, object]:
    return {"class_type": kind, "inputs": inputs}


PLAIN_GRAPH: dict[str, Any] = {
    "3": node(
        "KSampler",
        seed=2**63 + 5,
        steps=25,
        cfg=6.5,
        sampler_name="dpmpp_2m_sde_gpu",
        scheduler="karras",
        denoise=1.0,
        model=["10", 0],
        positive=["6", 0],
        negative=["7", 0],
        latent_image=["5", 0],
    ),
    "4": node("CheckpointLoaderSimple", ckpt_name="sd15/dream.safetensors"),
    "5": node("EmptyLatentImage", width=512, height=768, batch_size=1),
    "6": node("CLIPTextEncode", text="a (cat:1.2), embedding:easy", clip=["11", 0]),
    "7": node("CLIPTextEncode", text="blurry", clip=["11", 0]),
    "8": node("VAEDecode", samples=["3", 0], vae=["12", 0]),
    "9": node("SaveImage", images=["8", 0], filename_prefix="x"),
    "10": node(
        "LoraLoader",
        lora_name="styles\\ink.safetensors",
        strength_model=0.8,
        strength_clip=0.5,
        model=["4", 0],
        clip=["4", 1],
    ),
    "11": node("CLIPSetLastLayer", stop_at_clip_layer=-2, clip=["10", 1]),
    "12": node("VAELoader", vae_name="kl-f8.pt"),
}


def graph(**changes: object) -> dict[str, str]:
    return {"prompt": json.dumps({**PLAIN_GRAPH, **changes}), "workflow": "{}"}


def test_a_comfyui_graph_is_an_order() -> None:
    recipe, notes = read(graph())
    assert notes == ""
    assert recipe == Recipe(
        prompt="a (cat:1.2), embedding:easy",
        negative_prompt="blurry",
        dialect="comfy",
        model=ModelRef(name="dream"),
        vae=ModelRef(name="kl-f8"),
        seed=2**63 + 5,
        width=512,
        height=768,
        steps=25,
        sampler="DPM++ 2M SDE",
        schedule="Karras",
        cfg_scale=6.5,
        clip_skip=2,
        loras=(LoraUse(model=ModelRef(name="ink"), unet=0.8, text=0.5),),
    )


def test_words_are_followed_through_knees_text_nodes_and_guidance() -> None:
    recipe, _ = read(
        graph(
            **{
                "6": node("CLIPTextEncode", text=["20", 0], clip=["4", 1]),
                "20": node("Reroute", **{"": ["21", 0]}),
                "21": node("PrimitiveString", value="from afar"),
                "3": {
                    **PLAIN_GRAPH["3"],
                    "inputs": {**PLAIN_GRAPH["3"]["inputs"], "positive": ["22", 0], "seed": ["23", 0]},
                },
                "22": node("FluxGuidance", guidance=3.5, conditioning=["6", 0]),
                "23": node("Seed Everywhere", seed=77),
            }
        )
    )
    assert (recipe.prompt, recipe.seed) == ("from afar", 77)


def test_a_second_comfyui_sampler_is_hires() -> None:
    second = {**PLAIN_GRAPH["3"]["inputs"], "steps": 12, "denoise": 0.55, "latent_image": ["30", 0]}
    recipe, notes = read(
        graph(
            **{
                "30": node("LatentUpscaleBy", upscale_method="nearest-exact", scale_by=1.5, samples=["3", 0]),
                "31": node("KSampler", **second),
                "8": node("VAEDecode", samples=["31", 0], vae=["12", 0]),
            }
        )
    )
    assert notes == ""
    assert recipe.hires is not None
    assert recipe.hires.sparse() == {
        "upscale": 1.5,
        "steps": 12,
        "denoising_strength": 0.55,
        "upscaler": "Latent (nearest-exact)",
    }
    assert (recipe.steps, recipe.width) == (25, 512)


def test_an_upscaler_between_two_samplers_is_named() -> None:
    second = {**PLAIN_GRAPH["3"]["inputs"], "denoise": 0.4, "latent_image": ["33", 0], "seed": 9}
    recipe, notes = read(
        graph(
            **{
                "30": node("VAEDecode", samples=["3", 0], vae=["12", 0]),
                "31": node("ImageUpscaleWithModel", upscale_model=["35", 0], image=["30", 0]),
                "32": node("ImageScaleBy", upscale_method="lanczos", scale_by=0.5, image=["31", 0]),
                "33": node("VAEEncode", pixels=["32", 0], vae=["12", 0]),
                "34": node("KSampler", **second),
                "35": node("UpscaleModelLoader", model_name="4x-UltraSharp.pth"),
                "8": node("VAEDecode", samples=["34", 0], vae=["12", 0]),
            }
        )
    )
    assert recipe.hires is not None
    assert (recipe.hires.upscaler, recipe.hires.upscale, recipe.hires.denoising_strength) == ("4x-UltraSharp", 2.0, 0.4)
    assert "four times" in notes
    assert "seed of its own" in notes


def test_the_split_sampler_of_comfyui_is_read_too() -> None:
    recipe, _ = read(
        {
            "prompt": json.dumps(
                {
                    "1": node(
                        "SamplerCustomAdvanced",
                        noise=["2", 0],
                        guider=["3", 0],
                        sampler=["4", 0],
                        sigmas=["5", 0],
                        latent_image=["6", 0],
                    ),
                    "2": node("RandomNoise", noise_seed=42),
                    "3": node("CFGGuider", model=["7", 0], positive=["8", 0], negative=["9", 0], cfg=4),
                    "4": node("KSamplerSelect", sampler_name="euler_ancestral"),
                    "5": node("BasicScheduler", scheduler="sgm_uniform", steps=18, denoise=1.0, model=["7", 0]),
                    "6": node("EmptySD3LatentImage", width=1024, height=640, batch_size=1),
                    "7": node("UNETLoader", unet_name="big.safetensors"),
                    "8": node("CLIPTextEncode", text="a dog"),
                    "9": node("CLIPTextEncode", text="a cat"),
                }
            )
        }
    )
    assert (recipe.seed, recipe.steps, recipe.cfg_scale, recipe.sampler, recipe.schedule) == (
        42,
        18,
        4,
        "Euler a",
        "SGM Uniform",
    )
    assert (recipe.prompt, recipe.negative_prompt, recipe.model.name) == ("a dog", "a cat", "big")
    assert (recipe.width, recipe.height) == (1024, 640)


def test_comfyui_pictures_over_pictures_and_batches_are_told() -> None:
    _, notes = read(graph(**{"5": node("VAEEncode", pixels=["40", 0]), "40": node("LoadImage", image="in.png")}))
    assert "another picture" in notes
    _, notes = read(graph(**{"5": node("EmptyLatentImage", width=64, height=64, batch_size=4)}))
    assert "batch of 4" in notes


def test_a_graph_in_circles_ends() -> None:
    circle = {**PLAIN_GRAPH["3"]["inputs"], "latent_image": ["8", 0], "model": ["10", 0], "positive": ["50", 0]}
    recipe, _ = read(
        graph(
            **{
                "3": node("KSampler", **circle),
                "10": node("X", model=["10", 0], seed=["10", 0]),
                "50": node("Y", conditioning=["50", 0]),
            }
        )
    )
    assert recipe.steps == 25


def test_invokeai_is_read() -> None:
    data = {
        "positive_prompt": "a cat++",
        "negative_prompt": "fog",
        "width": 640,
        "height": 448,
        "seed": 11,
        "steps": 30,
        "cfg_scale": 7.5,
        "scheduler": "dpmpp_2m_k",
        "clip_skip": 1,
        "rand_device": "cpu",
        "cfg_rescale_multiplier": 0.3,
        "seamless_x": True,
        "seamless_y": True,
        "model": {"name": "Dreamshaper 8", "hash": "blake3:00", "base": "sd-1"},
        "vae": None,
        "loras": [{"model": {"name": "ink"}, "weight": 0.75}, {"lora": {"model_name": "old"}, "weight": 1}],
        "app_version": "5.0",
    }
    recipe, notes = read({"invokeai_metadata": json.dumps(data), "invokeai_graph": "{}"})
    assert notes == ""
    assert (recipe.prompt, recipe.negative_prompt, recipe.dialect) == ("a cat++", "fog", "compel")
    assert (recipe.sampler, recipe.schedule, recipe.clip_skip) == ("DPM++ 2M", "Karras", 2)
    assert (recipe.model.name, recipe.tiling, recipe.guidance.rescale) == ("Dreamshaper 8", True, 0.3)
    assert [(use.model.name, use.unet) for use in recipe.loras] == [("ink", 0.75), ("old", 1)]


def test_invokeai_of_old_is_read_both_ways() -> None:
    dream = {"Dream": '"a cat on a mat [dog, fog]" -s 50 -S 123 -W 512 -H 640 -C 7.5 -A k_euler_a'}
    metadata = {
        "sd-metadata": json.dumps(
            {
                "model_weights": "stable-diffusion-1.5",
                "image": {
                    "prompt": [{"prompt": "a cat on a mat [dog, fog]", "weight": 1.0}],
                    "steps": 50,
                    "seed": 123,
                    "width": 512,
                    "height": 640,
                    "cfg_scale": 7.5,
                    "sampler": "k_euler_a",
                },
            }
        )
    }
    one, two = read(dream)[0], read(metadata)[0]
    assert (one.prompt, one.negative_prompt, one.steps, one.seed) == ("a cat on a mat", "dog, fog", 50, 123)
    assert (one.width, one.height, one.cfg_scale, one.sampler) == (512, 640, 7.5, "Euler a")
    assert two.but(model=ModelRef()) == one
    assert two.model.name == "stable-diffusion-1.5"


def test_swarmui_is_read() -> None:
    data = {
        "sui_image_params": {
            "prompt": "a cat",
            "negativeprompt": "fog",
            "model": "SDXL/base.safetensors",
            "seed": 5,
            "steps": 20,
            "cfgscale": 7,
            "width": 1024,
            "height": 768,
            "sampler": "uni_pc",
            "scheduler": "simple",
            "loras": ["ink"],
            "loraweights": ["0.6"],
            "variationseed": 3,
            "variationseedstrength": 0.2,
            "swarm_version": "0.9",
        }
    }
    for place in ("parameters", "UserComment"):
        recipe, _ = read({place: json.dumps(data)})
        assert (recipe.model.name, recipe.sampler, recipe.schedule, recipe.width) == ("base", "UniPC", "Simple", 1024)
        assert (recipe.variation.seed, recipe.variation.strength) == (3, 0.2)
        assert recipe.loras == (LoraUse(model=ModelRef(name="ink"), unet=0.6, text=0.6),)


def test_fooocus_is_read() -> None:
    data = {
        "prompt": "a cat",
        "full_prompt": ["a cat, cinematic", "film grain"],
        "negative_prompt": "",
        "full_negative_prompt": ["anime"],
        "styles": "['Fooocus V2']",
        "performance": "Speed",
        "resolution": "(1152, 896)",
        "guidance_scale": 4.0,
        "base_model": "juggernaut.safetensors",
        "base_model_hash": "aeb7e9e689",
        "refiner_model": "refine.safetensors",
        "refiner_switch": 0.5,
        "clip_skip": 2,
        "sampler": "dpmpp_2m_sde_gpu",
        "scheduler": "karras",
        "vae": "Default (model)",
        "seed": "8846239",
        "lora_combined_1": "offset.safetensors : 0.1",
        "version": "Fooocus v2.5.0",
    }
    recipe, notes = read({"parameters": json.dumps(data), "fooocus_scheme": "fooocus"})
    assert notes == ""
    assert (recipe.prompt, recipe.negative_prompt) == ("a cat, cinematic, film grain", "anime")
    assert (recipe.width, recipe.height, recipe.steps, recipe.seed) == (1152, 896, 30, 8846239)
    assert recipe.model == ModelRef(name="juggernaut", sha256="aeb7e9e689")
    assert recipe.refiner is not None
    assert (recipe.refiner.model.name, recipe.refiner.switch_at) == ("refine", 0.5)
    assert [(use.model.name, use.unet) for use in recipe.loras] == [("offset", 0.1)]


def test_novelai_is_read_as_a1111_reads_it() -> None:
    comment = {
        "steps": 28,
        "sampler": "k_euler_ancestral",
        "seed": 4,
        "strength": 0.69,
        "noise": 0.667,
        "scale": 11.0,
        "uc": "lowres",
    }
    texts = {
        "Software": "NovelAI",
        "Description": "{girl}, [dark]",
        "Source": "Stable Diffusion 1D44365E",
        "Comment": json.dumps(comment),
    }
    recipe, notes = read(texts, (512, 768))
    assert (recipe.prompt, recipe.negative_prompt, recipe.dialect) == ("{girl}, [dark]", "lowres", "novelai")
    assert (recipe.clip_skip, recipe.noise.seed_delta, recipe.noise.source) == (2, 31337, "NV")
    assert (recipe.width, recipe.height, recipe.cfg_scale, recipe.sampler) == (512, 768, 11, "Euler a")
    assert "Stable Diffusion 1D44365E" in notes


def test_a1111_text_is_read_wherever_it_stands() -> None:
    text = "a cat\nSteps: 9, Sampler: Euler, CFG scale: 7, Seed: 5, Size: 64x64"
    for place in ("parameters", "UserComment", "comment"):
        assert read({place: text})[0].steps == 9


@pytest.mark.parametrize(
    "texts",
    [{}, {"Software": "Gimp"}, {"prompt": "just words"}, {"parameters": "  "}, {"workflow": "{}"}, {"prompt": "{}"}],
)
def test_pictures_of_nobody_known_are_nobodys(texts: dict[str, str]) -> None:
    assert read_texts(texts) is None


def test_an_unknown_sampler_is_left_to_the_model_and_told() -> None:
    fields, notes = sampler_words("er_sde", "beta")
    assert fields == {}
    assert "er_sde" in notes[0]
    fields, notes = sampler_words("euler", "linear_quadratic")
    assert fields == {"sampler": "Euler", "schedule": "Automatic"}
    assert "linear_quadratic" in notes[0]


def test_values_out_of_range_are_refused_in_plain_words() -> None:
    sampler = node("KSampler", **{**PLAIN_GRAPH["3"]["inputs"], "steps": 10**9})
    with pytest.raises(RecipeError, match="steps must be at most 1000"):
        read_texts(graph(**{"3": sampler}))


@pytest.mark.parametrize(
    ("path", "name"),
    [("a/b\\c.safetensors", "c"), ("v1.5-pruned.ckpt", "v1.5-pruned"), ("None", ""), (7, ""), ("x", "x")],
)
def test_models_are_called_by_their_file_without_folders(path: object, name: str) -> None:
    assert model_name(path) == name


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(["3", "KSampler"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "prompt",
                    "seed",
                    "image",
                    "model",
                    "loras",
                    "class_type",
                    "inputs",
                    "3",
                    "steps",
                    "scale",
                    "uc",
                    "positive",
                    "base_model",
                    "sui_image_params",
                    "resolution",
                    "full_prompt",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(
    st.dictionaries(
        st.sampled_from(
            [
                "prompt",
                "parameters",
                "Comment",
                "invokeai_metadata",
                "sd-metadata",
                "Dream",
                "UserComment",
                "fooocus_scheme",
                "Software",
            ]
        ),
        JSON.map(json.dumps) | st.text(max_size=30),
        max_size=3,
    )
)
def test_any_texts_at_all_are_read_or_refused_in_plain_words(texts: dict[str, str]) -> None:
    assert "\n" not in refusal(texts)


def refusal(texts: dict[str, str]) -> str:
    """The sentence with which the texts are refused, "" when they are read. Any other error is let through."""
    try:
        read_texts(texts, (64, 64))
    except DanqingError as problem:
        return str(problem)
    return ""


@pytest.mark.parametrize("name", ["prompt", "parameters", "Comment", "invokeai_metadata"])
def test_deep_json_is_no_trouble(name: str) -> None:
    read_texts({name: '{"a":' * 100_000 + "1" + "}" * 100_000})
