"""No sampling: each epoch holds every training example once, in a fresh order, the epochs others are compared with.

π a permutation of 1..n, drawn anew each epoch; the epoch is x_π(1), ..., x_π(n)
"""

import torch
from torch import Generator, Tensor

from temper.strategy import OrderedSampling, strategy


@strategy
class NoSampling(OrderedSampling):
    """Every example once."""

    def check(self, classes: int) -> None:
        """Take any data."""

    def size(self, targets: Tensor) -> int:
        """Return n."""
        return len(targets)

    def indices(self, targets: Tensor, generator: Generator) -> Tensor:
        """Return a permutation of the rows, (n,)."""
        return torch.randperm(len(targets), generator=generator)
