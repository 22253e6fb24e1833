"""No change of resolution: training sees images as large as evaluation does."""

from temper.strategy import Resolution, strategy


@strategy
class NoResolution(Resolution):
    """Leave images as they are."""

    def side(self, full: int, epoch: int, epochs: int) -> int:
        """Return ``full``."""
        return full
