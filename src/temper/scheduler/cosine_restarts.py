"""Cosine annealing with warm restarts, SGDR (Loshchilov and Hutter, 2017, arXiv:1608.03983, equation 5).

ηₜ = η (f + (1 - f)(1 + cos(πu/Tᵢ))/2)     u since the last restart, in a cycle of length Tᵢ; f is ``final_factor``
Tᵢ₊₁ = q Tᵢ                               q is ``multiply``; T₀ is ``first``

Cycles in epochs end where epochs end, also when batches grow. It bites where a run may have to end at any of several
moments: the end of each cycle has a settled network. A run that ends within a cycle ends at a high rate: with ``first``
at 100 % divided by 1 + q + q² + ... it ends with one.
"""

import math
from typing import Self

from pydantic import model_validator

from temper.quantity import Clock, Count, Fraction, Span
from temper.scheduler.lapse import check_lasts, spans_before
from temper.strategy import Scheduler, strategy

_ROUNDING = 1e-9  # 0.3 / 0.1 is a little less than 3


@strategy
class CosineRestarts(Scheduler):
    """Cosines one after the other."""

    warmup: Span
    first: Span
    multiply: Count
    final_factor: Fraction

    @model_validator(mode="after")
    def _lasts(self) -> Self:
        check_lasts("first", self.first, "scheduler=cosine falls once over the whole run")
        return self

    def factor(self, step: int, clock: Clock) -> float:
        """Return the factor at ``step``, within whichever cycle that is."""
        since, length = spans_before(step, self.first, clock), 1
        if self.multiply == 1:
            since -= math.floor(since + _ROUNDING)
        while since > length - _ROUNDING:
            since, length = since - length, length * self.multiply
        height = (1 + math.cos(math.pi * max(0.0, since) / length)) / 2
        return self.final_factor + (1 - self.final_factor) * height
