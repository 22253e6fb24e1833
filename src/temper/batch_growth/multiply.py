"""A batch that is multiplied now and then (Smith et al., 2018, arXiv:1711.00489: instead of dividing the rate).

Bₑ = min(B · q^⌊e/k⌋, M)     in epoch e, counted from 0; q is ``factor``, k is ``every``, M is ``most``

The noise of a step goes as η/B: multiplying the batch by q quietens it as dividing the rate by q would, in fewer and
larger steps. It bites where large batches are cheap: with several devices, or with small networks that leave one idle.
"""

from temper.quantity import AboveOne, Count
from temper.strategy import BatchGrowth, strategy

_LARGEST = 1e12


@strategy
class Multiply(BatchGrowth):
    """Grow by a factor every few epochs."""

    factor: AboveOne
    every: Count
    most: Count | None

    def size(self, first: int, epoch: int, epochs: int) -> int:
        """Return the size of ``epoch``, rounded down."""
        size = float(first)
        for _ in range(epoch // self.every):
            if size >= _LARGEST:  # a factor to the power of thousands of epochs is no float
                break
            size *= self.factor
        return max(first, int(min(size + 1e-9, self.most or _LARGEST)))
