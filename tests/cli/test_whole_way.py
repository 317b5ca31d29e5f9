"""The whole way with the embedded model: the first command a stranger types, and the picture again."""

from pathlib import Path

import numpy as np
import pytest

from danqing.pixels.files import read_picture
from tests.cli.conftest import Danqing

PROMPT = "1girl, long green hair, glasses, smile, orange background"


@pytest.fixture
def fresh(danqing: Danqing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Danqing:
    """A home folder that isn't there yet."""
    danqing.home = tmp_path / "new"
    monkeypatch.setenv("DANQING_HOME", str(danqing.home))
    return danqing


def test_a_stranger_paints_and_paints_again(fresh: Danqing) -> None:
    words = ("paint", PROMPT, "--seed", "7", "--steps", "3", "--device", "cpu", "--json")
    one, two = (fresh(*words).json["pictures"][0] for _ in range(2))
    assert one["model"] == "danqing-mini"
    assert one["digest"] == two["digest"]
    assert np.array_equal(read_picture(Path(one["path"])), read_picture(Path(two["path"])))
    assert fresh("replay", one["path"]).out == "equal\n"
    assert (fresh.home / "models" / "Stable-diffusion").is_dir()


def test_other_programs_read_its_parameters(fresh: Danqing) -> None:
    sd_parsers = pytest.importorskip("sd_parsers")
    words = ("-n", "ugly", "--seed", "7", "--steps", "2", "--cfg", "5", "--sampler", "Euler a")
    ran = fresh("paint", PROMPT, "-q", *words)
    assert ran.code == 0, ran.err
    read = sd_parsers.ParserManager().parse(ran.paths[0])
    (sampler,) = read.samplers
    assert [prompt.value for prompt in sampler.prompts] == [PROMPT]
    assert [prompt.value for prompt in sampler.negative_prompts] == ["ugly"]
    assert (sampler.name, sampler.model.name) == ("Euler a", "danqing-mini")
    assert {name: sampler.parameters[name] for name in ("seed", "steps", "cfg_scale")} == {
        "seed": "7",
        "steps": "2",
        "cfg_scale": "5",
    }
