from pathlib import Path
from random import Random

import numpy as np
import torch

from danqing.training.luck import luck_of
from danqing.training.mini.content import Backdrop, Content, Person, Thing
from danqing.training.mini.dataset import read_split
from danqing.training.mini.grammar import EVERYTHING, draw_content
from danqing.training.mini.judge import accuracy, answers_of, ask, build_judge, weathered
from danqing.training.mini.questions import SILENT, layout, questions_of
from danqing.training.mini.world import World

CPU = torch.device("cpu")
BOY = Person("boy", "micah", "bald", "", "tan", "smile", clothes="shirt", clothes_color="red")
SCENE = Backdrop("scene", (), "beach", "night")


def test_every_content_has_an_answer_among_the_possible_ones(world: World) -> None:
    questions, rng = questions_of(world), Random(4)
    contents = [draw_content(rng, world, EVERYTHING)[0] for _ in range(500)]
    answers = answers_of(questions, contents)
    assert answers.shape == (500, len(questions))
    for i, question in enumerate(questions):
        assert (answers[:, i] != SILENT).any(), question.name
        assert answers[:, i].max() < len(question.answers)


def test_answers_say_what_the_content_says(world: World) -> None:
    said = {q.name: q.right(Content((BOY,), "single", SCENE, "from afar", "left")) for q in questions_of(world)}
    assert said["layout"] == "person"
    assert (said["background"], said["light"], said["place"]) == ("beach", "night", "left")
    assert (said["clothes color"], said["hair"], said["style"]) == ("red", "bald", "micah")


def test_what_is_not_there_is_not_asked(world: World) -> None:
    said = {q.name: q.right(Content((BOY,), "single", SCENE)) for q in questions_of(world)}
    assert said["hair color"] is None
    assert said["object"] is None
    assert said["place"] is None
    two = {q.name: q.right(Content((BOY, BOY), "beside", SCENE)) for q in questions_of(world)}
    assert two["clothes color"] is None


def test_layouts_are_told_apart() -> None:
    cat, dog = Thing("cat", "3d"), Thing("dog", "3d")
    seen = {
        layout(Content((BOY,), "single", SCENE)),
        layout(Content((cat,), "single", SCENE)),
        layout(Content((cat, cat), "row", SCENE)),
        layout(Content((cat, cat, cat), "row", SCENE)),
        layout(Content((cat, dog), "beside", SCENE)),
        layout(Content((cat, dog), "above", SCENE)),
        layout(Content((BOY, dog), "beside", SCENE)),
        layout(Content((BOY, BOY), "beside", SCENE)),
    }
    assert len(seen) == 8


def test_the_judge_gives_a_row_of_logits_a_question(world: World, built: Path) -> None:
    questions = questions_of(world)
    said = ask(build_judge([8, 8, 8, 8], questions), read_split(built, "validation").pictures, CPU, batch=5)
    assert [row.shape for row in said] == [(12, len(q.answers)) for q in questions]


def test_accuracy_counts_only_what_was_asked(world: World, built: Path) -> None:
    questions, pictures = questions_of(world), read_split(built, "validation")
    judge = build_judge([8, 8, 8, 8], questions).eval()
    said = torch.stack([row.argmax(1) for row in ask(judge, pictures.pictures, CPU)], 1)
    answers = torch.where(answers_of(questions, pictures.contents) == SILENT, SILENT, said)
    assert set(accuracy(judge, questions, pictures.pictures, answers, CPU).values()) == {1.0}
    wrong = torch.where(answers == SILENT, SILENT, said + 1)
    assert accuracy(judge, questions, pictures.pictures, wrong, CPU)["mean"] == 0.0


def test_weather_changes_pictures_a_little() -> None:
    pictures = torch.rand((9, 3, 32, 32), generator=torch.Generator().manual_seed(0)) * 2 - 1
    seen = weathered(pictures, luck_of(1, 1))
    assert torch.equal(seen, weathered(pictures, luck_of(1, 1)))
    assert not torch.equal(seen, pictures)
    assert np.abs((seen - pictures).numpy()).mean() < 0.4
