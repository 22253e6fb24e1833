"""No quantization: weights and what enters layers stay floating-point numbers.

θ, x     as they are
"""

import lightning as L

from temper.quantity import Clock
from temper.strategy import Quantization, strategy


@strategy
class NoQuantization(Quantization):
    """The network as it was trained."""

    def begins(self, clock: Clock) -> int:
        """Return the end of the run."""
        return clock.total_steps

    def settled(self, clock: Clock) -> int:
        """Return 0: nothing is rounded."""
        return 0

    def callback(self, clock: Clock, seed: int) -> L.Callback | None:
        """Return None."""
        return None
