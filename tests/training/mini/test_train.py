"""The whole of it at toy length: every part by its plan, stopped and resumed, exported, loaded by plain diffusers,
painting."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import StableDiffusionPipeline
from PIL import Image

from danqing.base.errors import TrainingError
from danqing.base.progress import Verdict
from danqing.training.luck import luck_of
from danqing.training.mini.export import export, opened_networks, trained_networks, used_tokens
from danqing.training.mini.looking import paint_sheet, prompt_ids
from danqing.training.mini.plans import PARTS, Plan, plan_of, read_plan
from danqing.training.mini.prepared import prepare, read_prepared
from danqing.training.mini.train import run_of, train_part, unet_lesson
from danqing.training.mini.unet import empty_prompt, even_steps
from danqing.training.resume import State, read_state
from danqing.training.samples import Manner, paint_samples
from tests.training.lesson import answering
from tests.training.test_loop import equal

CPU = torch.device("cpu")
TOY = read_plan("toy")


def state_of(work: Path, part: str) -> State:
    state = read_state(run_of(work, TOY, part).state)
    assert state is not None
    return state


def test_every_part_is_taught_to_its_last_step(trained: Path) -> None:
    for part in PARTS:
        assert state_of(trained, part).step == TOY[part].pace.steps


@pytest.mark.parametrize("part", ["vae", "unet", "upscaler"])
def test_a_part_that_was_stopped_ends_in_the_same_state(trained: Path, tmp_path: Path, part: str) -> None:
    work = tmp_path / "work"
    shutil.copytree(trained, work)
    shutil.rmtree(run_of(work, TOY, part).folder)
    assert train_part(TOY, part, work, answering(Verdict.FINISH_NOW, 2), "cpu") is Verdict.FINISH_NOW
    assert state_of(work, part).step == 2
    train_part(TOY, part, work, device="cpu")
    assert equal(state_of(work, part).network, state_of(trained, part).network)
    assert equal(state_of(work, part).average, state_of(trained, part).average)


def test_the_decoder_goes_on_without_touching_the_encoder(trained: Path) -> None:
    before, after = read_prepared(TOY, trained).vae.state_dict(), state_of(trained, "decoder").network
    same = {name for name in before if torch.equal(before[name], after[name])}
    assert {name for name in before if name.startswith(("encoder.", "quant_conv."))} <= same
    assert any(name.startswith("decoder.") for name in before if name not in same)


def test_prepared_latents_have_a_spread_of_one(trained: Path) -> None:
    prepared = read_prepared(TOY, trained)
    latents = prepared.latents("train", np.arange(24), luck_of(1, 1))
    assert latents.shape == (24, 4, 16, 16)
    assert 0.9 < latents.square().mean().sqrt() < 1.1


def test_prepared_latents_stay_until_they_are_asked_for_anew(trained: Path, tmp_path: Path) -> None:
    work = tmp_path / "work"
    shutil.copytree(trained, work)
    first = np.array(prepare(TOY, work, CPU).means["train"])
    longer = replace(TOY["vae"], pace=replace(TOY["vae"].pace, steps=TOY["vae"].pace.steps + 1))
    train_part(Plan("toy", {**TOY.parts, "vae": longer}), "vae", work, device="cpu")
    assert np.array_equal(prepare(TOY, work, CPU).means["train"], first)
    anew = prepare(TOY, work, CPU, limit=8, anew=True).means["train"]
    assert len(anew) == 8
    assert not np.array_equal(anew, first[:8])


def test_the_exported_folder_loads_in_plain_diffusers_and_paints(trained: Path, tmp_path: Path) -> None:
    folder = export(TOY, trained, tmp_path / "model")
    pipe = StableDiffusionPipeline.from_pretrained(folder, torch_dtype=torch.float32)
    pipe.set_progress_bar_config(disable=True)
    assert pipe.scheduler.config["prediction_type"] == "v_prediction"
    made = pipe("a cat", num_inference_steps=2, height=128, width=128, output_type="np").images
    assert made.shape == (1, 128, 128, 3)
    assert np.isfinite(made).all()
    assert abs(pipe.vae.config["scaling_factor"] - read_prepared(TOY, trained).scale) < 1e-6


def test_rows_of_unused_tokens_are_zero_in_the_export(trained: Path, tmp_path: Path) -> None:
    folder = export(TOY, trained, tmp_path / "model")
    text = StableDiffusionPipeline.from_pretrained(folder).text_encoder
    table = text.get_input_embeddings().weight
    used = used_tokens(trained)
    assert 50 < len(used) < 1000
    assert int((table.abs().sum(1) > 0).sum()) == len(used)


def test_the_exported_folder_paints_what_the_training_paints(trained: Path, tmp_path: Path) -> None:
    before = trained_networks(TOY, trained, CPU)
    after = opened_networks(export(TOY, trained, tmp_path / "model"), CPU)
    one, two = (
        paint_samples(networks, prompt_ids(["a cat"]), empty_prompt(), [1], Manner(steps=2)).astype(int)
        for networks in (before, after)
    )
    assert np.abs(one - two).mean() < 0.5
    with pytest.raises(TrainingError, match="no diffusers folder"):
        opened_networks(tmp_path, CPU)


def test_samples_depend_on_prompt_and_seed_alone(trained: Path) -> None:
    networks = trained_networks(TOY, trained, CPU)
    ids = prompt_ids(["a cat", "a cat", "a red hat"])
    manner = Manner(steps=2)
    together = paint_samples(networks, ids, empty_prompt(), [1, 2, 1], manner)
    alone = paint_samples(networks, ids[1:2], empty_prompt(), [2], manner)
    assert together.shape == (3, 128, 128, 3)
    assert np.abs(together[1].astype(int) - alone[0].astype(int)).max() <= 1
    assert not np.array_equal(together[0], together[1])


def test_a_sheet_is_written(trained: Path, tmp_path: Path) -> None:
    prompts = ["a cat", "蓝色背景上的红苹果", *["a long prompt with many words in it"] * 8]
    sheet = paint_sheet(trained_networks(TOY, trained, CPU), tmp_path / "sheet.png", Manner(steps=1), prompts)
    with Image.open(sheet) as picture:
        assert picture.width == 8 * 132
        assert picture.height > 2 * 128
    assert "2\t蓝色背景上的红苹果\n" in sheet.with_suffix(".txt").read_text(encoding="utf-8")


def test_contexts_kept_for_the_unet_are_what_the_text_tower_says(trained: Path, tmp_path: Path) -> None:
    work = tmp_path / "work"
    shutil.copytree(trained, work)
    pace = replace(TOY["unet"].pace, precision="bfloat16")
    plan = Plan("toy", {**TOY.parts, "unet": replace(TOY["unet"], pace=pace)})
    kept = unet_lesson(plan, work, CPU)
    assert kept.prepared.contexts is None  # prepared for float32
    prepare(plan, work, CPU, anew=True)
    asked = replace(unet_lesson(plan, work, CPU), prepared=replace(read_prepared(plan, work), contexts=None))
    kept = unet_lesson(plan, work, CPU)
    assert kept.prepared.contexts is not None
    for step in range(3):
        one, two = (lesson.loss(pace, luck_of(1, step))[0].item() for lesson in (kept, asked))
        assert one == pytest.approx(two, rel=1e-6)


def test_timesteps_are_spread_over_the_whole_schedule() -> None:
    t = even_steps(10, luck_of(1, 1))
    assert (t // 100).tolist() == list(range(10))


def test_an_unknown_plan_or_part_is_named(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="no training plan named 'maxi'; there are mini, toy"):
        read_plan("maxi")
    with pytest.raises(TrainingError, match="no part named 'brain'"):
        train_part(TOY, "brain", tmp_path)
    with pytest.raises(TrainingError, match="the pace can't be read"):
        plan_of("mine", {"vae": {"pace": {"stepps": 3}}})


def test_a_unet_without_a_vae_is_told_what_to_do_first(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="train it first"):
        train_part(TOY, "unet", tmp_path, device="cpu")


def test_the_shipped_plan_reads_and_has_every_part() -> None:
    assert set(read_plan("mini").parts) == set(PARTS)
