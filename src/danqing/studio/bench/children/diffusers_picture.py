"""The shortest way to a picture with diffusers: MODEL FOLDER, SIDE, STEPS, PICTURE FILE."""

import sys
from pathlib import Path

from danqing.studio.bench.peer import pipeline_of_folder
from danqing.studio.bench.task import words_for_diffusers


def main(words: list[str]) -> None:
    """Paints and saves."""
    folder, side, steps, out = words
    pipe = pipeline_of_folder(Path(folder))
    pipe(**words_for_diffusers(int(side), int(steps))).images[0].save(out)


if __name__ == "__main__":
    main(sys.argv[1:])
