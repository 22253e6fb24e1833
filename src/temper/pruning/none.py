"""No pruning: every weight stays, the dense network that pruned ones are compared with.

θ ← θ     after every step
"""

from temper.quantity import Clock
from temper.strategy import Pruning, Remover, strategy


@strategy
class NoPruning(Pruning):
    """The dense network."""

    def begins(self, clock: Clock) -> int:
        """Return the end of the run."""
        return clock.total_steps

    def settled(self, clock: Clock) -> int:
        """Return 0: the network is whole from the start."""
        return 0

    def callback(self, clock: Clock, seed: int) -> Remover | None:
        """Return None."""
        return None
