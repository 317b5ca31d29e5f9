from pathlib import Path
from random import Random

import numpy as np

from danqing.training.mini.backdrops import SCENE_PAINTERS, lit, paint_backdrop
from danqing.training.mini.compose import compose, with_border
from danqing.training.mini.content import Backdrop, Content, Thing
from danqing.training.mini.dataset import Split, build_dataset, read_split
from danqing.training.mini.world import SCENES, WALLS, World
from tests.training.mini.drawn import SIDE, SMALL, DrawnSprites

WHITE = Backdrop("plain", ("white",))


def painted(world: World, content: Content, seed: int = 1) -> np.ndarray:
    black = np.zeros((SIDE, SIDE, 4), np.uint8)
    black[2:-2, 2:-2, 3] = 255
    return compose(Random(seed), world, content, [black] * len(content.figures), 128)


def dark(picture: np.ndarray) -> np.ndarray:
    return picture.max(2) < 40


def test_a_data_set_built_twice_is_the_same(built: Path, tmp_path: Path) -> None:
    build_dataset(tmp_path, SMALL, seed=1, sprites=DrawnSprites(), processes=2)
    for split in SMALL:
        one, two = read_split(built, split.name), read_split(tmp_path, split.name)
        assert np.array_equal(one.pictures, two.pictures)
        assert np.array_equal(one.ids, two.ids)
        assert one.contents == two.contents


def test_another_seed_gives_other_pictures(built: Path, tmp_path: Path) -> None:
    build_dataset(tmp_path, SMALL[:1], seed=2, sprites=DrawnSprites(), processes=1)
    assert read_split(tmp_path, "validation").contents != read_split(built, "validation").contents


def test_a_split_that_stands_is_left_as_it_is(built: Path) -> None:
    listing = built / "data" / "train.jsonl"
    before = listing.stat().st_mtime_ns
    build_dataset(built, SMALL, seed=9, sprites=DrawnSprites(), processes=1)
    assert listing.stat().st_mtime_ns == before


def test_every_split_has_its_size(built: Path) -> None:
    for split in SMALL:
        pictures = read_split(built, split.name)
        assert len(pictures) == split.size
        assert pictures.pictures.shape == (split.size, split.side, split.side, 3)


def test_a_figure_stands_where_its_content_says(world: World) -> None:
    apple = (Thing("red apple", "3d"),)
    centers = {}
    for place in ("left", "center", "right"):
        columns = np.nonzero(dark(painted(world, Content(apple, "single", WHITE, "from afar", place))))[1]
        centers[place] = columns.mean()
    assert centers["left"] < 50 < centers["center"] < 78 < centers["right"]


def test_framing_changes_how_much_a_figure_covers(world: World) -> None:
    apple = (Thing("red apple", "3d"),)
    shares = [
        dark(painted(world, Content(apple, "single", WHITE, f))).mean() for f in ("from afar", "upper body", "close-up")
    ]
    assert shares == sorted(shares)
    assert shares[0] < 0.3 < 0.85 < shares[2]


def test_three_alike_leave_gaps_between_them(world: World) -> None:
    picture = dark(painted(world, Content((Thing("cat", "3d"),) * 3, "row", WHITE)))
    columns = picture.any(0).astype(int)
    assert (np.diff(columns) == 1).sum() == 3


def test_a_sticker_has_a_white_rim() -> None:
    black = np.zeros((160, 160, 4), np.uint8)
    black[40:120, 40:120, 3] = 255
    rim = with_border(black)
    assert rim[80, 80].tolist() == [0, 0, 0, 255]
    inside = np.nonzero(rim[80, :, 3] > 128)[0]
    assert rim[80, inside[0] + 2].min() > 245
    assert inside[0] < 40 + 12


def test_a_plain_background_is_near_its_colour(world: World) -> None:
    canvas = paint_backdrop(Random(1), Backdrop("plain", ("red",)), world.palette["background"], 16)
    assert np.abs(canvas[0, 0] - np.array([0xD9, 0x3A, 0x3A])).max() <= 7.5


def test_every_scene_can_be_painted(world: World) -> None:
    assert {*SCENE_PAINTERS, "room"} == set(SCENES)
    for scene in SCENES:
        for light in ("", "day", "night", "sunset"):
            backdrop = Backdrop("scene", (WALLS[0],) if scene == "room" else (), scene, light)
            canvas = paint_backdrop(Random(3), backdrop, world.palette["background"], 64)
            assert canvas.shape == (64, 64, 3)
            assert np.isfinite(canvas).all()


def test_night_is_darker_than_day(world: World) -> None:
    day, night = (
        paint_backdrop(Random(3), Backdrop("scene", (), "beach", light), world.palette["background"], 64).mean()
        for light in ("day", "night")
    )
    assert night < 0.6 * day


def test_light_of_no_strength_changes_nothing() -> None:
    canvas = np.full((2, 2, 3), 100, np.float32)
    assert np.array_equal(lit(canvas, "night", 0.0), canvas)


def test_large_pictures_show_the_same_scenes_in_more_pixels(tmp_path: Path) -> None:
    build_dataset(tmp_path, [Split("large", 2, side=512)], seed=1, sprites=DrawnSprites(), processes=1)
    assert read_split(tmp_path, "large").pictures.shape == (2, 512, 512, 3)
