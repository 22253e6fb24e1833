"""No transfer: training starts from what was drawn, the run that a transfer is compared with."""

from temper.facts import Facts, Learned
from temper.network.layered import Layered
from temper.quantity import Clock
from temper.strategy import ReadRun, Transfer, strategy


@strategy
class NoTransfer(Transfer):
    """Leave the weights that were drawn."""

    def learned(self, network: Layered, facts: Facts, read: ReadRun) -> Learned | None:
        """Return None."""
        return None

    def begins(self, blocks: int, clock: Clock) -> list[int]:
        """Return 0 for each block."""
        return [0] * blocks
