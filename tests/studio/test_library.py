"""The library on both databases: pictures are found by what they are, marked, thrown away and taken back."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from danqing.base.errors import ImageError, RecipeError
from danqing.base.picture import Picture
from danqing.pixels.files import write_picture
from danqing.studio.database import Database
from danqing.studio.library import Library
from danqing.studio.searching import Search
from danqing.studio.sidecar import Marks, read_marks, sidecar_of
from danqing.studio.story import infotext_of, story_of
from danqing.studio.trash import FOLDER
from tests.studio.pictures import picture_of

Keep = Callable[..., int]


@pytest.fixture
def library(database: Database, tmp_path: Path) -> Library:
    (tmp_path / "outputs").mkdir()
    return Library(database, tmp_path / "outputs", clock=lambda: 5000.0)


@pytest.fixture
def keep(library: Library) -> Keep:
    """Writes a picture and adds it; each is a second newer than the one before."""
    made: list[Path] = []

    def write(prompt: str = "a fox", pixels: np.ndarray | None = None, **fields: object) -> int:
        picture = picture_of(prompt=prompt, **fields)
        if pixels is not None:
            picture = replace(picture, pixels=pixels)
        path = library.root / f"{len(made):05}.png"
        write_picture(path, picture.pixels, infotext=infotext_of(picture), recipe_json=story_of(picture))
        os.utime(path, (1000 + len(made), 1000 + len(made)))
        made.append(path)
        return library.add(path, picture)

    return write


def ids(library: Library, **search: object) -> list[int]:
    """The pictures that a search finds; the count is held against the page on the way."""
    asked = Search.model_validate(search)
    found = [record.id for record in library.page(asked).records]
    assert library.count(asked) == len(found)
    return found


def test_a_record_says_what_the_picture_is(library: Library, keep: Keep) -> None:
    number = keep("一个红发女孩, smile", negative_prompt="ugly", seed=77, steps=12)
    record = library.get(number)
    assert record.path == library.root / "00000.png"
    assert (record.prompt, record.negative_prompt, record.seed) == ("一个红发女孩, smile", "ugly", 77)
    assert (record.width, record.height, record.model, record.source) == (16, 8, "toy", "danqing")
    assert record.infotext.startswith("一个红发女孩, smile\nNegative prompt: ugly\nSteps: 12")
    assert record.as_json()["recipe"]["steps"] == 12  # type: ignore[index, call-overload]


def test_adding_a_picture_again_brings_its_record_up_to_date(library: Library, keep: Keep) -> None:
    number = keep("a fox")
    path = library.get(number).path
    assert library.add(path, picture_of(prompt="a bear")) == number
    assert (ids(library, text="fox"), ids(library, text="bear")) == ([], [number])


def test_the_file_says_the_same_as_the_picture_did(library: Library, keep: Keep) -> None:
    number = keep("a fox", seed=5, hires={"upscale": 2})
    before = library.get(number)
    library.forget([number])
    after = library.get(library.add_file(before.path))
    assert replace(after, id=number) == before


def test_words_are_found_in_any_case_and_order(library: Library, keep: Keep) -> None:
    both, fox = keep("a Red Fox, forest"), keep("a fox")
    assert ids(library, text="fox") == [fox, both]
    assert ids(library, text="fox RED") == [both]
    assert ids(library, text="fo") == []
    assert ids(library, text="fo*") == [fox, both]
    assert ids(library, text="wolf") == []


@pytest.mark.parametrize("query", ["红发", "红发 女孩", "사과", "사", "红"])
def test_two_signs_of_chinese_or_korean_are_a_word(library: Library, keep: Keep, query: str) -> None:
    wanted = keep("一个红发女孩 with 빨간사과")
    keep("发红 孩女 과사")
    assert ids(library, text=query)[-1] == wanted
    assert (len(ids(library, text=query)) == 1) is (len(query) > 1)


def test_the_newest_come_first_page_by_page(library: Library, keep: Keep) -> None:
    made = [keep("a fox") for _ in range(7)]
    for text in ("", "fox", "a fox"):
        found, search = [], Search(text=text, limit=3)
        while True:
            page = library.page(search)
            found += [record.id for record in page.records]
            if page.after is None:
                break
            search = search.but(after=page.after)
        assert found == made[::-1]
    assert ids(library, order="oldest") == made


def test_every_parameter_is_a_filter(library: Library, keep: Keep) -> None:
    plain = keep("a fox", steps=20)
    much = keep("a fox", steps=35, sampler="Euler a", tiling=True, loras=[{"model": {"name": "Ink"}, "unet": 0.5}])
    hires = keep("a fox", steps=20, hires={"upscale": 1.5}, guidance={"rescale": 0.7})
    for where, expected in {
        "steps=20": [hires, plain],
        "steps!=20": [much],
        "steps>=30": [much],
        "steps < 30": [hires, plain],
        "sampler=euler A": [much],
        "lora=ink": [much],
        "lora!=ink": [hires, plain],
        "loras.unet<=0.5": [much],
        "hires.upscale=": [much, plain],
        "hires.upscale!=": [hires],
        "hires.upscale>1": [hires],
        "tiling=true": [much],
        "tiling=false": [hires, plain],
        "tiling!=false": [much],
        "guidance.rescale=0": [much, plain],
        "guidance.rescale>0.5": [hires],
        "guidance.rescale<0.5": [much, plain],
        "model=toy": [hires, much, plain],
        "hash=ababababab": [hires, much, plain],
        "seed>0": [],
    }.items():
        assert ids(library, where=(where,)) == expected, where
    assert ids(library, model="toy", lora="ink", where=("steps>30", "cfg=7"), text="fox") == [much]


@pytest.mark.parametrize("where", ["steps", "steps>many", ">=3", "", "a b=c"])
def test_a_condition_that_can_not_be_read_is_refused(library: Library, where: str) -> None:
    with pytest.raises(RecipeError, match=r"is no condition|a number is needed"):
        library.page(Search(where=(where,)))


@pytest.mark.parametrize("text", ["%", "'; DROP TABLE pictures; --", "\0", "\ud800", "a" * 5000, "*", "_"])
def test_hostile_words_find_nothing_and_break_nothing(library: Library, keep: Keep, text: str) -> None:
    number = keep(f"odd {text} prompt")
    ids(library, text=text)
    ids(library, where=(f"model={text}",), board=text)
    assert ids(library, text="odd prompt") == [number]


def test_dates_are_a_filter(library: Library, keep: Keep) -> None:
    made = [keep("a fox") for _ in range(4)]
    assert ids(library, since=1001, until=1003) == [made[2], made[1]]
    assert ids(library, since=1003, text="fox") == [made[3]]


def test_marks_are_kept_beside_the_file_and_found(library: Library, keep: Keep) -> None:
    number, other = keep("a fox"), keep("a fox")
    record = library.mark(number, favourite=True, rating=4, boards=("Wall",), tags=("精选", "blue mood"))
    assert record.marks == Marks(favourite=True, rating=4, boards=("Wall",), tags=("blue mood", "精选"))
    assert read_marks(record.path) == record.marks
    for search in ({"favourite": True}, {"rating": 3}, {"board": "wall"}, {"tag": "Blue Mood"}, {"text": "精选 fox"}):
        assert ids(library, **search) == [number]
    assert ids(library, rating=5) == []
    assert library.mark(number, rating=0, favourite=False).marks.tags == ("blue mood", "精选")
    assert (ids(library, favourite=True), ids(library, rating=1)) == ([], [])
    assert library.get(other).marks == Marks()
    with pytest.raises(ImageError):
        library.mark(number, rating=9)


def test_names_are_counted(library: Library, keep: Keep) -> None:
    keep("a fox", model={"name": "One"})
    for number in (keep("a fox"), keep("a fox")):
        library.mark(number, boards=("wall",))
    assert library.names("model") == {"toy": 2, "one": 1}
    assert library.names("board") == {"wall": 2}
    assert library.names("nothing") == {}


def test_what_is_thrown_away_comes_back_as_it_was(library: Library, keep: Keep) -> None:
    number, other = keep("a fox"), keep("a fox")
    marked = library.mark(number, rating=5)
    data = marked.path.read_bytes()
    (thrown,) = library.trash([number])
    assert (thrown.trashed, thrown.path.parent.parent.name) == (5000.0, FOLDER)
    assert not marked.path.exists()
    assert thrown.path.read_bytes() == data
    assert ids(library, text="fox") == [other]
    assert ids(library, trashed=True) == [number]
    assert library.trash([number]) == (thrown,)
    assert library.restore([number]) == (marked,)
    assert (marked.path.read_bytes(), read_marks(marked.path)) == (data, marked.marks)
    assert not (library.root / FOLDER).exists()
    assert ids(library, text="fox") == [other, number]


def test_a_picture_whose_place_is_taken_comes_back_under_another_name(library: Library, keep: Keep) -> None:
    number = keep("a fox")
    library.trash([number])
    (library.root / "00000.png").write_bytes(b"somebody else's")
    (back,) = library.restore([number])
    assert back.path == library.root / "00000-1.png"
    assert (library.root / "00000.png").read_bytes() == b"somebody else's"


def test_a_move_into_the_trash_that_was_cut_short_is_ended(
    library: Library, keep: Keep, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = keep("a fox")
    path = library.get(number).path

    def die(*words: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as dying:
        dying.setattr("danqing.studio.library.move", die)
        with pytest.raises(KeyboardInterrupt):
            library.trash([number])
    assert path.exists()
    library.settle_trash()
    assert not path.exists()
    assert library.get(number).path.exists()
    assert library.restore([number])[0].path == path


def test_emptying_the_trash_is_for_good(library: Library, keep: Keep) -> None:
    number, other = keep("a fox"), keep("a fox")
    library.trash([number])
    assert library.empty_trash(older_than=10) == 0
    assert library.empty_trash() == 1
    assert ids(library, trashed=True) == []
    assert sorted(path.name for path in library.root.rglob("*")) == [library.get(other).path.name]
    with pytest.raises(ImageError, match=rf"there is no picture {number}"):
        library.restore([number])


def test_a_home_that_was_moved_finds_its_pictures(
    database: Database, library: Library, keep: Keep, tmp_path: Path
) -> None:
    number = keep("a fox")
    library.root.rename(tmp_path / "elsewhere")
    moved = Library(database, tmp_path / "elsewhere")
    assert moved.get(number).path.read_bytes()
    assert moved.of_path(tmp_path / "elsewhere" / "00000.png") == moved.get(number)
    assert moved.of_path(tmp_path / "nothing.png") is None


def noise(seed: int) -> np.ndarray:
    coarse = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), dtype=np.uint8)
    return np.kron(coarse, np.ones((8, 8, 1), dtype=np.uint8))


def test_near_duplicates_stand_together(library: Library, keep: Keep) -> None:
    first, other = keep(pixels=noise(1)), keep(pixels=noise(2))
    brighter = np.clip(noise(1).astype(int) + 3, 0, 255).astype(np.uint8)
    again = keep(pixels=brighter)
    assert library.near_duplicates() == ((again, first),)
    assert [(record.id, bits <= 7) for record, bits in library.alike(first)] == [(again, True)]
    assert library.alike(other) == ()
    library.trash([again])
    assert library.near_duplicates() == ()


def test_similar_pictures_by_vectors_of_one_model(library: Library, keep: Keep) -> None:
    a, b, c, d = (keep() for _ in range(4))
    library.set_vector(a, [1.0, 0.0, 0.0], "clip")
    library.set_vector(b, [2.0, 0.2, 0.0], "clip")
    library.set_vector(c, [-1.0, 0.0, 0.0], "clip")
    library.set_vector(d, [1.0, 0.0, 0.0], "another")
    found = library.similar(a, "clip")
    assert [record.id for record, _ in found] == [b, c]
    assert [round(cosine, 2) for _, cosine in found] == [1.0, -1.0]
    assert [record.id for record, _ in library.similar([0.0, 1.0, 0.0], "clip", limit=1)] == [b]
    assert (library.similar(a, "nobody"), library.similar([1.0], "clip")) == ((), ())
    assert [record.id for record in library.without_vector("clip")] == [d]


def test_an_unknown_picture_is_refused(library: Library) -> None:
    for ask in (
        library.get,
        library.alike,
        lambda number: library.similar(number, "clip"),
        lambda number: library.trash([number]),
    ):
        with pytest.raises(ImageError, match=r"there is no picture 99"):
            ask(99)


def test_a_picture_s_marks_move_with_it(library: Library, keep: Keep) -> None:
    number = keep("a fox")
    library.mark(number, tags=("a",))
    (thrown,) = library.trash([number])
    assert sidecar_of(thrown.path).exists()


def test_a_picture_may_be_added_by_two_at_once(library: Library, keep: Keep) -> None:
    import threading

    keep("a fox")
    path = library.root / "new.png"
    picture: Picture = picture_of(prompt="a bear")
    write_picture(path, picture.pixels)
    found: list[int] = []
    threads = [threading.Thread(target=lambda: found.append(library.add(path, picture))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 6
    assert len(set(found)) == 1


def test_the_largest_seed_is_kept(library: Library, keep: Keep) -> None:
    number = keep("a fox", seed=2**64 - 1)
    assert library.get(number).seed == 2**64 - 1
    assert ids(library, where=(f"seed={2**64 - 1}",)) == [number]
