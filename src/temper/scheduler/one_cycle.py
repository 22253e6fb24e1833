"""One cycle: rise to the base rate, then fall far below the start (Smith and Topin, 2018, arXiv:1708.07120; PyTorch's).

ηₜ = a(η/d, η, t/r)                t ≤ r = pT - 1: up from η/d; p is ``pct_start``, d ``div_factor``
ηₜ = a(η, η/(dF), (t - r)/(T - 1 - r))    after it: down to η/(dF); F is ``final_div_factor``
a(x, y, s) = y + (x - y)(1 + cos πs)/2    ``cos``: from x at s = 0 to y at s = 1
a(x, y, s) = x + (y - x)s                 ``linear``

The base rate η is the peak, torch's ``max_lr``; momentum is left alone. It bites on short runs: the long stretch at a
high rate regularises, and a peak is possible that would diverge if training began there.
"""

import math
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from temper.quantity import Clock, Fraction, Span, parse_span
from temper.strategy import Scheduler, strategy

_Divisor = Annotated[float, Field(ge=1, allow_inf_nan=False, strict=True)]


@strategy
class OneCycle(Scheduler):
    """Up once, down once."""

    warmup: Span
    pct_start: Fraction
    div_factor: _Divisor
    final_div_factor: _Divisor
    anneal_strategy: Literal["cos", "linear"]

    @model_validator(mode="after")
    def _warms_up_itself(self) -> Self:
        if parse_span(self.warmup)[0] != 0:
            raise ValueError(f"warmup must be 0, not {self.warmup}: the cycle's own rise, pct_start, is its warm-up")
        return self

    def factor(self, step: int, clock: Clock) -> float:
        """Return the factor at ``step``; after the last step it stays."""
        last = max(0, clock.total_steps - 1)
        step = min(step, last)
        peak = self.pct_start * clock.total_steps - 1
        start = 1 / self.div_factor
        if step <= peak and peak > 0:
            return self._between(start, 1.0, step / peak)
        if last == peak:
            return 1.0
        return self._between(1.0, start / self.final_div_factor, (step - peak) / (last - peak))

    def _between(self, begin: float, end: float, share: float) -> float:
        if self.anneal_strategy == "linear":
            return begin + (end - begin) * share
        return end + (begin - end) * (1 + math.cos(math.pi * share)) / 2
