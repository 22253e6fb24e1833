"""No growth: each epoch has batches of one size."""

from temper.strategy import BatchGrowth, strategy


@strategy
class NoBatchGrowth(BatchGrowth):
    """Leave the batch size as it is."""

    def size(self, first: int, epoch: int, epochs: int) -> int:
        """Return ``first``."""
        return first

    def check(self, first: int, epochs: int) -> None:
        """Accept any run."""
