"""Class-balanced sampling (Shen, Lin & Huang, 2016, arXiv:1512.05830): first a class, then one of its examples.

    k uniform over the classes     for each of the epoch's n places anew
    x uniform over class k         with replacement, so that an example's chance is 1 / (classes · n_k)

Each class is expected equally often while an epoch keeps its length and its cost. Against over, the counts vary from
epoch to epoch, and about a third of the examples of an average class is missing from any one of them.
"""

import torch
from torch import Generator, Tensor

from temper.sampling.classes import check_classes, counts
from temper.strategy import OrderedSampling, strategy


@strategy
class Balanced(OrderedSampling):
    """Each class with the same chance, at every place."""

    def check(self, classes: int) -> None:
        """Refuse a regression."""
        check_classes("balanced", classes)

    def size(self, targets: Tensor) -> int:
        """Return n."""
        return len(targets)

    def indices(self, targets: Tensor, generator: Generator) -> Tensor:
        """Return rows, (n,), each drawn for itself."""
        chance = 1 / counts(targets)[targets.long()].double()
        return torch.multinomial(chance, len(targets), replacement=True, generator=generator)
