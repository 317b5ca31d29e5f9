"""Prompts drawn evenly over the whole grammar with what they ask for: what the model is judged on, and the 64 that people
look at."""

import json
from dataclasses import dataclass
from random import Random

from danqing.training.mini.captions import Speaker
from danqing.training.mini.content import Content
from danqing.training.mini.grammar import JUDGING, draw_content
from danqing.training.mini.splits import is_unseen
from danqing.training.mini.world import World
from danqing.weights.assets import asset


@dataclass(frozen=True)
class Asked:
    """A prompt, and the content that it describes in full."""

    prompt: str
    content: Content
    unseen: bool


def sheet_prompts() -> tuple[str, ...]:
    """People, objects, scenes, pairs, short prompts, Chinese and Korean ones: looked at after every milestone."""
    groups = json.loads(asset("training", "mini", "sheet.json").read_text(encoding="utf-8"))
    return tuple(prompt for group in groups.values() for prompt in group)


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
