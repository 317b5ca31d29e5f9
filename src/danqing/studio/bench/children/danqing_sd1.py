"""danqing at SD1's size, as it works by default on this machine: MODEL FILE, SIDE, STEPS, FINDINGS, and "fast" for the recipe's approximations."""

import sys
from pathlib import Path

from danqing.base.progress import Progress, Verdict
from danqing.base.protocols import ModelFile
from danqing.painting.engine import Engine
from danqing.studio.bench.children.findings import findings_of, leave, mark
from danqing.studio.bench.task import EXACT, FAST, OneModel, recipe
from danqing.weights.place import choose_place


def main(words: list[str]) -> None:
    """Paints one picture and notes the time at every step."""
    path, side, steps, out, *how = words
    marks = [mark()]

    def watch(progress: Progress) -> Verdict:
        marks.append(mark())
        return Verdict.CONTINUE

    engine = Engine(OneModel(ModelFile("sd1-random", Path(path), "checkpoint", "sd1", "0" * 64)), choose_place("cpu"))
    speed = FAST if "fast" in how else EXACT
    list(engine.paint([recipe(int(side), int(steps), speed=speed)], watch))
    leave(findings_of([*marks, mark()]), Path(out))


if __name__ == "__main__":
    main(sys.argv[1:])
