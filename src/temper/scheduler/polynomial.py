"""Polynomial decay, "poly" (Chen et al., 2018, DeepLab, arXiv:1606.00915, with p = 0.9; PyTorch's).

ηₜ = η (f + (1 - f)(1 - t/T)^p)     t of T steps; f is the share that is left at the end, which it keeps
p = 1     a straight line          p < 1     high for long, a steep end          p > 1     a steep start, a long tail

It bites on a run whose length is known, as `cosine` does; p says where in the run the rate is spent.
"""

from typing import Self

from pydantic import model_validator

from temper.quantity import Clock, Fraction, Positive, Span, span_steps
from temper.scheduler.lapse import check_lasts
from temper.strategy import Scheduler, strategy


@strategy
class Polynomial(Scheduler):
    """One fall, bent as the power says."""

    warmup: Span
    length: Span
    power: Positive
    final_factor: Fraction

    @model_validator(mode="after")
    def _lasts(self) -> Self:
        check_lasts("length", self.length, "scheduler=constant never changes the rate")
        return self

    def factor(self, step: int, clock: Clock) -> float:
        """Return the factor at ``step``; from the end of ``length`` on it is ``final_factor``."""
        rest = 1 - min(1.0, step / max(1, span_steps(self.length, clock)))
        return float(self.final_factor + (1 - self.final_factor) * rest**self.power)
