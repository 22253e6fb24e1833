"""Linear change of the rate (Li, Yumer and Ramanan, 2020, arXiv:1905.04753, budgeted training; PyTorch's LinearLR).

ηₜ = η (b + (f - b) min(1, t/T))     t of T steps; b and f are the shares of the rate at the beginning and the end

It bites on a run whose length is known, the shorter the more: no step is spent at a rate that the end cannot settle.
With b < f it rises, which `warmup` does in front of any schedule.
"""

from typing import Annotated, Self

from pydantic import Field, model_validator

from temper.quantity import Clock, Fraction, Span, parse_span, span_steps
from temper.scheduler.lapse import check_lasts
from temper.strategy import Scheduler, strategy


@strategy
class Linear(Scheduler):
    """A straight line from one share of the rate to another."""

    warmup: Span
    length: Span
    start_factor: Annotated[float, Field(gt=0, le=1, strict=True)]
    final_factor: Fraction

    @model_validator(mode="after")
    def _changes(self) -> Self:
        check_lasts("length", self.length, "scheduler=constant never changes the rate")
        if self.start_factor == self.final_factor:
            raise ValueError(
                f"final_factor must differ from start_factor={self.start_factor:g}; scheduler=constant never changes"
                " the rate"
            )
        if self.start_factor != 1 and parse_span(self.warmup)[0] != 0:
            raise ValueError(
                f"warmup must be 0 where start_factor={self.start_factor:g}: it ends at the whole rate, which"
                " would then jump; choose start_factor=1"
            )
        return self

    def factor(self, step: int, clock: Clock) -> float:
        """Return the factor at ``step``; from the end of ``length`` on it is ``final_factor``."""
        share = min(1.0, step / max(1, span_steps(self.length, clock)))
        return self.start_factor + (self.final_factor - self.start_factor) * share
