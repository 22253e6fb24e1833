"""Cosine annealing: half a cosine from the base rate down (Loshchilov and Hutter, 2017, arXiv:1608.03983, equation 5).

ηₜ = η (f + (1 - f)(1 + cos(πt/T))/2)     t of T steps; f is the share of the rate that is left at the end

It bites on a run whose length is known: the rate stays high for long, and the last steps settle.
"""

import math

from temper.quantity import Clock, Fraction, Span
from temper.strategy import Scheduler, strategy


@strategy
class Cosine(Scheduler):
    """One fall, without restarts."""

    warmup: Span
    final_factor: Fraction

    def factor(self, step: int, clock: Clock) -> float:
        """Return the factor at ``step``; from the last step on it is ``final_factor``."""
        if step >= clock.total_steps:
            return self.final_factor
        height = (1 + math.cos(math.pi * step / clock.total_steps)) / 2
        return self.final_factor + (1 - self.final_factor) * height
