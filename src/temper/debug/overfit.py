"""A handful of examples learned by heart: a network that cannot do so has a fault, or a learning rate, that stops it.

The examples are used unaugmented and are evaluated on as well, so the score is to become perfect.
"""

from temper.quantity import Count
from temper.strategy import Debug, strategy


@strategy
class Overfit(Debug):
    """A run on ``examples`` examples."""

    examples: Count

    @property
    def memorised(self) -> int | None:
        """Return how many training examples are used."""
        return self.examples
