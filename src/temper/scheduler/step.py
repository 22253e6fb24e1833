"""Step decay: multiply the rate by γ after every stretch of the run (He et al., 2016, arXiv:1512.03385, section 3.4).

ηₜ = η γ^⌊t/s⌋     t steps taken, s steps to a stretch

A stretch in epochs ends where epochs end, also when their batches grow. It bites where the loss stands still at one
rate because of noise: each fall in the rate then shows as a fall in the loss.
"""

from temper.quantity import Clock
from temper.scheduler.lapse import Stretched, spans_before
from temper.strategy import strategy


@strategy
class Step(Stretched):
    """A staircase that goes down."""

    def factor(self, step: int, clock: Clock) -> float:
        """Return γ to the power of the stretches that lie before ``step``; a stretch takes at least one step."""
        stretches = int(spans_before(step, self.every, clock) + 1e-9)  # 0.3 / 0.1 is a little less than 3
        return float(self.gamma**stretches)
