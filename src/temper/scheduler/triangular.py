"""Cyclical rates (Smith, 2017, arXiv:1506.01186, section 3): up and down again in straight lines.

ηₜ = η (l + (1 - l) h(u) a)     u in [0, 1): place within the cycle; l is ``low_factor``, the base rate η the peak
h(u) = u/r, then (1 - u)/(1 - r)     up to the peak in the share r = ``rise`` of the cycle, then down
a = 1       mode ``triangular``: all peaks alike
a = 2^-c    mode ``triangular2``: each is half as high above the lowest rate as the one before; c cycles are over
a = γ^v     mode ``exp_range``: they fall evenly; v cycles are over, in part perhaps. γ is a cycle's: the paper's, an
            iteration's, to the power of a cycle's iterations

Momentum is left alone. It bites where the best rate is not known but its range is (a range test shows it): the rate
passes the good values again and again. Let a cycle end with the run: it ends at the lowest rate.
"""

import math
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from temper.quantity import Clock, ProperFraction, Span, parse_span
from temper.scheduler.lapse import check_lasts, spans_before
from temper.strategy import Scheduler, strategy

_ROUNDING = 1e-9  # 0.3 / 0.1 is a little less than 3


@strategy
class Triangular(Scheduler):
    """Triangles one after the other."""

    warmup: Span
    cycle: Span
    rise: Annotated[float, Field(gt=0, lt=1, strict=True)]
    low_factor: ProperFraction
    mode: Literal["triangular", "triangular2", "exp_range"]
    gamma: Annotated[float, Field(gt=0, lt=1, strict=True)] | None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        check_lasts("cycle", self.cycle, "scheduler=constant never changes the rate")
        if parse_span(self.warmup)[0] != 0:
            raise ValueError(f"warmup must be 0, not {self.warmup}: each cycle begins with a rise of its own")
        if self.mode == "exp_range" and self.gamma is None:
            raise ValueError("gamma is what mode=exp_range multiplies the peaks by in each cycle: give it, such as 0.5")
        if self.mode != "exp_range" and self.gamma is not None:
            raise ValueError(f"gamma is for mode=exp_range, and mode={self.mode} has none: set it to null")
        return self

    def factor(self, step: int, clock: Clock) -> float:
        """Return the factor at ``step``, within whichever cycle that is."""
        passed = spans_before(step, self.cycle, clock)
        whole = math.floor(passed + _ROUNDING)
        place = max(0.0, passed - whole)
        height = place / self.rise if place <= self.rise else (1 - place) / (1 - self.rise)
        return self.low_factor + (1 - self.low_factor) * height * self._height_of_peak(passed, whole)

    def _height_of_peak(self, passed: float, whole: int) -> float:
        if self.mode == "triangular":
            return 1.0
        return float(0.5**whole if self.gamma is None else self.gamma**passed)
