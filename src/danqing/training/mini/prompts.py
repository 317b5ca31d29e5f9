"""Prompts drawn evenly over the whole grammar with what they ask for: what the model is judged on, and the sheet that
people look at."""

from dataclasses import dataclass
from random import Random

from danqing.training.mini.captions import Speaker
from danqing.training.mini.content import Content
from danqing.training.mini.grammar import JUDGING, draw_content
from danqing.training.mini.splits import is_unseen
from danqing.training.mini.world import World

SHEET = (
    "1girl, long pink hair, smile, glasses, blue background, lorelei style",
    "1boy, short black hair, beard, yellow background, lorelei style",
    "a woman with long purple hair and sunglasses on a green background, adventurer style",
    "1girl, long blonde hair, smile, blue shirt, pink background, toon style",
    "a man with brown hair wearing a green shirt on a white background, micah style",
    "1girl, long red hair, purple clothes, smile, orange background, pixel art",
    "a laughing boy with short orange hair in the snow, adventurer style",
    "1girl, green hair, hair bun, yellow t-shirt, night sky, stars, toon style",
    "a red apple on a blue background, 3d style",
    "a cat on a pink background, 3d style",
    "a car on a grass field, 3d style",
    "a penguin in the snow, 3d render",
    "cat on the left, red apple on the right, yellow background, 3d style",
    "two bananas, purple background, emoji style",
    "a rocket in outer space, flat style",
    "a castle at sunset, cartoon style",
    "girl with blue hair",
    "apple",
    "cat",
    "boy, red background",
    "红色头发的女孩，蓝色背景",
    "蓝色背景上的苹果",
    "빨간 머리 소녀, 안경",
    "노란 배경의 고양이",
)
"""Looked at after every milestone."""


@dataclass(frozen=True)
class Asked:
    """A prompt, and the content that it describes in full."""

    prompt: str
    content: Content
    unseen: bool


def judging_prompts(world: World, count: int, seed: int = 1) -> list[Asked]:
    """Prompts that say everything, half of them of combinations that were never trained on."""
    rng = Random(f"{seed}/judging")
    asked: list[Asked] = []
    while len(asked) < count:
        content, _ = draw_content(rng, world, JUDGING)
        unseen = is_unseen(content)
        if unseen == (len(asked) % 2 == 1):
            speaker = Speaker(rng, world)
            asked.append(Asked(rng.choice((speaker.tags, speaker.sentence))(content), content, unseen))
    return asked
