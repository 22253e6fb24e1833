"""No low rank: every layer stays one, of whatever rank it learns.

θ ← θ     after every step
"""

from temper.quantity import Clock
from temper.strategy import LowRank, Remover, strategy


@strategy
class NoLowRank(LowRank):
    """The network as it is."""

    def begins(self, clock: Clock) -> int:
        """Return the end of the run."""
        return clock.total_steps

    def settled(self, clock: Clock) -> int:
        """Return 0: nothing is removed."""
        return 0

    def callback(self, clock: Clock, seed: int) -> Remover | None:
        """Return None."""
        return None
