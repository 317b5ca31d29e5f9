"""diffusers' pipeline at SD1's size in its default, float32: MODEL FILE, SIDE, STEPS, FINDINGS, CONFIG FOLDER."""

import sys
from pathlib import Path

from danqing.studio.bench.children.findings import findings_of, leave, mark
from danqing.studio.bench.peer import pipeline_of_file
from danqing.studio.bench.task import words_for_diffusers


def main(words: list[str]) -> None:
    """Paints one picture and notes the time at every step."""
    path, side, steps, out, configs = words
    marks = [mark()]

    def watch(pipe: object, step: int, timestep: object, tensors: dict[str, object]) -> dict[str, object]:
        marks.append(mark())
        return tensors

    pipe = pipeline_of_file(Path(path), Path(configs))
    pipe(**words_for_diffusers(int(side), int(steps)), callback_on_step_end=watch)
    leave(findings_of([*marks, mark()]), Path(out))


if __name__ == "__main__":
    main(sys.argv[1:])
