"""What painting tells upwards while it works, and what it is told back. Nothing else calls back up."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from typing import TypeAlias

from danqing.base.picture import Pixels


class Verdict(Enum):
    """The answer to a progress report."""

    CONTINUE = "continue"
    FINISH_NOW = "finish now"
    """Decode what is there, keep it, mark it interrupted; what comes after is left."""
    SKIP_PICTURE = "skip picture"
    """Throw the picture at hand away and go on with the next."""
    ABANDON = "abandon"
    """Stop and keep only what is finished."""


@dataclass(frozen=True)
class Progress:
    """Where painting stands. `picture` counts from 0; `batch` pictures are being painted together."""

    picture: int
    pictures: int
    stage: str
    step: int
    steps: int
    batch: int = 1
    preview: Callable[[], Pixels] | None = None
    """Makes a small picture (H, W, 3) of the state; costs only when called."""

    @property
    def fraction(self) -> float:
        """Share of all the work that is done, 0 to 1, counting every picture alike."""
        if self.pictures <= 0:
            return 1.0
        within = self.step / self.steps if self.steps else 0.0
        return min(1.0, (self.picture + self.batch * within) / self.pictures)


Watch: TypeAlias = Callable[[Progress], Verdict]


def just_go_on(progress: Progress) -> Verdict:
    """The watch of someone who only wants the pictures."""
    return Verdict.CONTINUE


@dataclass
class Within:
    """A watch of a part of some work, told where that part stands in the whole: `begun` pictures lie before it, of `pictures`."""

    watch: Watch
    begun: int
    pictures: int
    ended: bool = False
    """Whether it was told to leave the rest."""

    def __call__(self, progress: Progress) -> Verdict:
        verdict = self.watch(replace(progress, picture=self.begun + progress.picture, pictures=self.pictures))
        self.ended = self.ended or verdict in (Verdict.ABANDON, Verdict.FINISH_NOW)
        return verdict
