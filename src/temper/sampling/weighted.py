"""Weighted sampling (Kang et al., 2020, arXiv:1910.09217, eq. 1): from the data's own frequencies to equal ones.

    p_k ∝ n_k · w_k              chance of class k at each of the epoch's n places, with replacement
    w_k given                    the weight of one example of class k
    w_k = n_k^(-power)           or by power: 0 leaves the frequencies, 1 evens them out, ½ is square-root sampling

Between them lies the trade of the long tail: rare classes are learned at the cost of the frequent ones. The paper has
q = 1 - power. Give ``weights`` where mistakes on one class cost more than on another.
"""

from typing import Self

import torch
from pydantic import model_validator
from torch import Generator, Tensor

from temper.quantity import NonNegative, Positive
from temper.sampling.classes import check_classes, counts
from temper.strategy import OrderedSampling, strategy


@strategy
class Weighted(OrderedSampling):
    """Each example with a chance that its class decides."""

    power: NonNegative | None
    weights: tuple[Positive, ...] | None

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if (self.power is None) == (self.weights is None):
            raise ValueError("power and weights say the same in two ways: give one of them, and null for the other")
        return self

    def check(self, classes: int) -> None:
        """Refuse a regression, and weights of another number than there are classes."""
        check_classes("weighted", classes)
        if self.weights is not None and len(self.weights) != classes:
            raise ValueError(
                f"sampling.weights has {len(self.weights)} values, and there are {classes} classes: give one a class,"
                " or null and sampling.power"
            )

    def size(self, targets: Tensor) -> int:
        """Return n."""
        return len(targets)

    def indices(self, targets: Tensor, generator: Generator) -> Tensor:
        """Return rows, (n,), each drawn for itself."""
        of_class = targets.long()
        if self.weights is not None:
            weights = torch.tensor(self.weights, dtype=torch.float64)
            chance = (weights / weights.max())[of_class]  # whose sum cannot overflow
        else:
            assert self.power is not None
            found = counts(targets)[of_class].double()
            chance = (found / found.min()) ** -self.power  # which cannot all vanish
        return torch.multinomial(chance, len(targets), replacement=True, generator=generator)
