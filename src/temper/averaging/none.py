"""No averaging: the weights that are trained are those that are evaluated and kept."""

from temper.quantity import Clock
from temper.strategy import Averaging, strategy
from temper.terms import Averager


@strategy
class NoAveraging(Averaging):
    """Leave the weights alone."""

    def averager(self, clock: Clock) -> Averager | None:
        """Return None."""
        return None
