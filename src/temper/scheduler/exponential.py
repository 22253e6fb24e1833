"""Exponential decay: the same share of the rate is lost in every stretch of the run (Senior et al., 2013, ICASSP).

ηₜ = η γ^(t/s)     t steps taken, s steps to a stretch; the rate falls a little with each step

At the ends of stretches it agrees with `step` of the same γ. It bites where no moment for a fall is known. Σηₜ is
finite: what has not been reached after a few stretches never will be, so that γ and s must suit the run's length.
"""

from temper.quantity import Clock
from temper.scheduler.lapse import Stretched, spans_before
from temper.strategy import strategy


@strategy
class Exponential(Stretched):
    """A smooth fall by the same share in the same time."""

    def factor(self, step: int, clock: Clock) -> float:
        """Return γ to the power of the stretches, in part perhaps, that lie before ``step``."""
        return float(self.gamma ** spans_before(step, self.every, clock))
