"""Exponential decay: the same share of the rate is lost in every stretch of the run (Senior et al., 2013, ICASSP).

ηₜ = η γ^(t/s)     t steps taken, s steps to a stretch; the rate falls a little with each step

At the ends of stretches it agrees with `step` of the same γ. It bites where no moment for a fall is known. Σηₜ is
finite: what has not been reached after a few stretches never will be, so that γ and s must suit the run's length.
"""

from typing import Annotated, Self

from pydantic import Field, model_validator

from temper.quantity import Clock, Span
from temper.scheduler.lapse import check_lasts, spans_before
from temper.strategy import Scheduler, strategy


@strategy
class Exponential(Scheduler):
    """A smooth fall by the same share in the same time."""

    warmup: Span
    every: Span
    gamma: Annotated[float, Field(gt=0, le=1, strict=True)]

    @model_validator(mode="after")
    def _lasts(self) -> Self:
        check_lasts("every", self.every, "scheduler=constant never changes the rate")
        return self

    def factor(self, step: int, clock: Clock) -> float:
        """Return γ to the power of the stretches, in part perhaps, that lie before ``step``."""
        return float(self.gamma ** spans_before(step, self.every, clock))
