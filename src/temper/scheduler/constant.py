"""Constant rate: the base rate from the first step to the last, after the warm-up if there is one.

ηₜ = η     at every step t

It bites as the control: what a schedule is worth is the difference to this.
"""

from temper.quantity import Clock, Span
from temper.strategy import Scheduler, strategy


@strategy
class Constant(Scheduler):
    """No schedule."""

    warmup: Span

    def factor(self, step: int, clock: Clock) -> float:
        """Return 1."""
        return 1.0
