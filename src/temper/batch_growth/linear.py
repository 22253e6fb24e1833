"""A batch that grows evenly, "dynamic" mini-batches (Friedlander and Schmidt, 2012, arXiv:1104.2373).

Bₑ = B + (L - B) · e/(E - 1)     in epoch e of E, counted from 0; L is ``last``, the size of the last epoch

Early steps are cheap and their noise does no harm; late ones are exact. It bites in problems that are to be solved to
the last digit, where a fixed small batch ends in a cloud around the solution.
"""

from temper.quantity import Count
from temper.strategy import BatchGrowth, strategy


@strategy
class Linear(BatchGrowth):
    """Grow by as much in every epoch."""

    last: Count

    def size(self, first: int, epoch: int, epochs: int) -> int:
        """Return the size of ``epoch``, rounded."""
        share = min(1.0, epoch / (epochs - 1)) if epochs > 1 else 0.0
        return max(first, round(first + (self.last - first) * share))
