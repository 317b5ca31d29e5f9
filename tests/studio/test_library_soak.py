"""A hundred thousand records: the first page and every kind of search stay quick. Only with `make soak`, for filling takes minutes."""

import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from danqing.base.recipe import Recipe
from danqing.studio.database import open_database
from danqing.studio.home import Home
from danqing.studio.library import Library
from danqing.studio.records import Contents
from danqing.studio.searching import Search

pytestmark = pytest.mark.soak

RECORDS = 100_000
FIRST_PAGE, ONE_SEARCH = 0.1, 0.2
"""Seconds."""
SIGNS = ("红发", "少女", "苹果", "사과", "머리", "森林", "古城", "月光")


def contents(number: int, chance: random.Random, words: list[str]) -> Contents:
    said = ["masterpiece", *chance.sample(words, 18), *chance.sample(SIGNS, 2)]
    said += ["1girl"] if chance.random() < 0.6 else []
    said += ["seldom"] if number % 1000 == 0 else []
    steps, model = chance.choice((20, 25, 30)), chance.choice(("one", "two", "three"))
    recipe = Recipe(prompt=", ".join(said), seed=number, steps=steps, model={"name": model, "sha256": "ab" * 32})
    return Contents(512, 512, "danqing", prompt=recipe.prompt, recipe=recipe, likeness=chance.getrandbits(63))


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    home = Home(tmp_path_factory.mktemp("full"))
    database = open_database(home)
    library = Library(database, home.root)
    chance = random.Random(1)
    words = [f"word{number}" for number in range(3000)]
    # The records need files to take their time from: folders of empty ones, as cheap as a file can be.
    waiting: list[tuple[Path, Contents]] = []
    for number in range(RECORDS):
        path = home.root / f"{number // 1000:03}" / f"{number}.png"
        path.parent.mkdir(exist_ok=True)
        path.touch()
        waiting.append((path, contents(number, chance, words)))
        if len(waiting) == 1000:
            library.add_many(waiting)
            waiting.clear()
    yield library
    database.close()


def seconds(library: Library, search: Search) -> float:
    """The second time: the first reads the file into the memory of the machine."""
    library.page(search)
    began = time.perf_counter()
    library.page(search)
    return time.perf_counter() - began


@pytest.mark.timeout(0)
def test_the_first_page_is_there_at_once(full: Library) -> None:
    assert full.count() == RECORDS
    assert seconds(full, Search()) < FIRST_PAGE
    page = full.page(Search())
    assert seconds(full, Search(after=page.after)) < FIRST_PAGE


@pytest.mark.timeout(0)
@pytest.mark.parametrize(
    "search",
    [
        {"text": "masterpiece"},
        {"text": "1girl masterpiece"},
        {"text": "seldom"},
        {"text": "seldom 1girl"},
        {"text": "红发"},
        {"text": "사과 红发 1girl"},
        {"text": "word5 word6 word7"},
        {"text": "word12*"},
        {"text": "nothing"},
        {"model": "one", "where": ("steps>=30",), "text": "1girl"},
        {"where": ("steps>=25", "tiling=false")},
        {"where": ("seed=777",)},
        {"where": ("lora!=ink", "steps!=20")},
        {"text": "1girl", "where": ("seed>99990",)},
        {"text": "1girl", "rating": 3},
    ],
    ids=str,
)
def test_a_search_is_answered_at_once(full: Library, search: dict[str, object]) -> None:
    assert seconds(full, Search.model_validate(search)) < ONE_SEARCH
