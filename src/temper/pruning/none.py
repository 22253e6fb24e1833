"""No pruning: every weight stays, the dense network that pruned ones are compared with.

θ ← θ     after every step
"""

import lightning as L

from temper.quantity import Clock
from temper.strategy import Pruning, strategy


@strategy
class NoPruning(Pruning):
    """The dense network."""

    @property
    def settled(self) -> float:
        """Return 0: the network is whole from the start."""
        return 0.0

    def callback(self, clock: Clock) -> L.Callback | None:
        """Return None."""
        return None
