"""Poisson sampling: whether an example is in a batch is a coin of its own (Abadi et al., 2016, arXiv:1607.00133).

    B_t = {i : u_ti < q}    u_ti uniform on [0, 1), drawn anew for each example i in each step t
    q = 1 / steps           of an epoch, so that an epoch holds about n examples, some twice and some not at all

Batches differ in size, from none at all to twice the mean and more. It learns what batches of a permutation learn, a
little more noisily; what it is for is the accounting of private training (privacy=dp_sgd), whose proof asks for it.
"""

import torch
from torch import Generator, Tensor

from temper.strategy import Sampling, strategy


@strategy
class Poisson(Sampling):
    """Each example in each batch with the same small chance."""

    def check(self, classes: int) -> None:
        """Take any data."""

    def size(self, targets: Tensor) -> int:
        """Return n: as many as there are on average."""
        return len(targets)

    def chance(self, steps: int) -> float | None:
        """Return q."""
        return 1 / steps

    def batches(self, targets: Tensor, size: int, steps: int, generator: Generator) -> list[Tensor]:
        """Return the rows whose coin came up, in an order that tells nothing."""
        return [self._batch(len(targets), steps, generator) for _ in range(steps)]

    def _batch(self, count: int, steps: int, generator: Generator) -> Tensor:
        drawn = (torch.rand(count, generator=generator) < 1 / steps).nonzero()[:, 0]
        return drawn[torch.randperm(len(drawn), generator=generator)]
