"""How fast and how long: the numbers of a training run, and the learning rate they give at each step."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Pace:
    """steps in all; `warmup` steps up, then constant, then `cooldown` steps down to `final` times the rate.

    ema: decay of the averaged weights. precision: bfloat16 (autocast) or float32. report, look, save: every so many
    steps (report, look) and minutes (save).
    """

    steps: int
    batch: int
    rate: float
    seed: int = 1
    warmup: int = 100
    cooldown: int = 0
    final: float = 0.05
    weight_decay: float = 1e-3
    beta1: float = 0.9
    beta2: float = 0.99
    clip: float = 1.0
    ema: float = 0.999
    precision: str = "bfloat16"
    report: int = 50
    look: int = 500
    save_minutes: float = 10.0

    def rate_at(self, step: int) -> float:
        """The learning rate of a step, the first being 0."""
        up = min(1.0, (step + 1) / max(1, self.warmup))
        left = (self.steps - step) / self.cooldown if self.cooldown else 1.0
        return self.rate * up * (self.final + (1 - self.final) * max(0.0, min(1.0, left)))

    def ema_at(self, step: int) -> float:
        """Decay of the average at a step: short at first, so that the start is forgotten."""
        return min(self.ema, (2 + step) / (11 + step))
