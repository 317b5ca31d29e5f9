"""What a person has said of a picture (favourite, rating, boards, tags), in a small file beside it: the database can be made again from these."""

import json
from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import Field, field_validator

from danqing.base.errors import DanqingError, ImageError
from danqing.base.value import Value
from danqing.pixels.writing import write_aside

ENDING = ".danqing.json"
MOST_BYTES = 1_000_000
MOST_MARKS = 200
MOST_LETTERS = 100


class Marks(Value):
    """A person's marks on one picture."""

    error: ClassVar[type[DanqingError]] = ImageError
    favourite: bool = False
    rating: Annotated[int, Field(ge=0, le=5)] = 0
    boards: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()

    @field_validator("boards", "tags")
    @classmethod
    def _in_order(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        """Each once, without blanks around it, in alphabetical order."""
        clean = sorted({" ".join(name.split()) for name in names} - {""})
        if len(clean) > MOST_MARKS:
            raise ValueError(f"at most {MOST_MARKS} a picture")
        if any(len(name) > MOST_LETTERS for name in clean):
            raise ValueError(f"at most {MOST_LETTERS} letters each")
        return tuple(clean)


NO_MARKS = Marks()


def sidecar_of(picture: Path) -> Path:
    """Where a picture's marks are."""
    return picture.with_name(picture.name + ENDING)


def read_marks(picture: Path) -> Marks:
    """The marks beside a picture; none where there is no file, or one that says nothing sensible."""
    try:
        with sidecar_of(picture).open("rb") as file:
            data = json.loads(file.read(MOST_BYTES))
        return Marks.model_validate({name: data[name] for name in Marks.model_fields if name in data})
    except (OSError, ValueError, TypeError, RecursionError, DanqingError):
        return NO_MARKS


def write_marks(picture: Path, marks: Marks) -> None:
    """The marks beside the picture, written aside and renamed; without any the file goes. Raises FileWriteError."""
    file = sidecar_of(picture)
    if marks == NO_MARKS:
        file.unlink(missing_ok=True)
    else:
        write_aside(file, (json.dumps(marks.sparse(), ensure_ascii=False, indent=1) + "\n").encode("utf-8", "replace"))
