"""Warm-up, stable, decay: a trapezoid (Hu et al., 2024, MiniCPM, arXiv:2404.06395, section 4).

ηₜ = η                          after the warm-up, until the fall begins: d steps before the end
ηₜ = η (f + (1 - f) g(s))       s from 0 to 1 over the last d steps, d being ``decay``; f is the share left at the end
g(s) = 1 - s                    shape ``linear``
g(s) = 1 - √s                   shape ``sqrt``, the best of those compared by Hägele et al. (2024, arXiv:2405.18392)
g(s) = (1 + cos πs)/2           shape ``cosine``

It bites where the length of a run is not settled: the stable stretch can be gone on with from any checkpoint, and a
short fall from it brings most of what a cosine over the whole run would.
"""

import math
from typing import Literal, Self

from pydantic import model_validator

from temper.quantity import Clock, Fraction, Span, span_steps
from temper.scheduler.lapse import check_lasts
from temper.strategy import Scheduler, strategy


@strategy
class WarmupStableDecay(Scheduler):
    """Up, along, and down at the end."""

    warmup: Span
    decay: Span
    shape: Literal["linear", "sqrt", "cosine"]
    final_factor: Fraction

    @model_validator(mode="after")
    def _falls(self) -> Self:
        check_lasts("decay", self.decay, "scheduler=constant with a warmup never falls")
        return self

    def factor(self, step: int, clock: Clock) -> float:
        """Return the factor at ``step``; from the last step on it is ``final_factor``."""
        total = clock.total_steps
        if step >= total:
            return self.final_factor
        # Counted from the end, where epochs may be of other lengths than at the beginning.
        backwards = Clock(tuple(total - start for start in reversed(clock.epoch_starts)))
        length = min(total, max(1, span_steps(self.decay, backwards)))
        share = max(0.0, (step - (total - length)) / length)
        return self.final_factor + (1 - self.final_factor) * self._height(share)

    def _height(self, share: float) -> float:
        match self.shape:
            case "linear":
                return 1 - share
            case "sqrt":
                return 1 - math.sqrt(share)
            case "cosine":
                return (1 + math.cos(math.pi * share)) / 2
