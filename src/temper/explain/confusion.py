"""Which classes a network recognises, and which it takes for each other.

C_ij = examples of class i that are taken for class j
recall of i = C_ii / Σ_j C_ij              the worst class is the one of the lowest
i and j are confused C_ij + C_ji times
"""

from typing import NamedTuple

import torch
from torch import Tensor


class Pair(NamedTuple):
    """Two classes that are taken for each other.

    Attributes:
        first: the class that is mistaken more often.
        second: the other.
        forth: how often ``first`` is taken for ``second``.
        back: how often ``second`` is taken for ``first``.
    """

    first: int
    second: int
    forth: int
    back: int

    @property
    def times(self) -> int:
        """Return how often either is taken for the other."""
        return self.forth + self.back


def confusion(given: Tensor, true: Tensor, classes: int) -> Tensor:
    """Return the counts (classes, classes): a row is a class, a column what its examples are taken for."""
    return torch.bincount(true * classes + given, minlength=classes**2).view(classes, classes)


def recalls(counts: Tensor) -> list[float | None]:
    """Return the recall of each class; None for one without examples."""
    examples = counts.sum(1)
    return [
        hits / count if count else None for hits, count in zip(counts.diag().tolist(), examples.tolist(), strict=True)
    ]


def pairs(counts: Tensor) -> list[Pair]:
    """Return the pairs of classes that are taken for each other, the most often first."""
    found = []
    for low in range(len(counts)):
        for high in range(low + 1, len(counts)):
            forth, back = int(counts[low, high]), int(counts[high, low])
            found.append(Pair(low, high, forth, back) if forth >= back else Pair(high, low, back, forth))
    return sorted((pair for pair in found if pair.times), key=lambda pair: -pair.times)  # a tie stays in order
