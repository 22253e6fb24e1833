"""Random undersampling (He & Garcia, 2009, "Learning from Imbalanced Data", section 3.1.1): large classes are cut.

    m = min_k n_k    examples of every class in an epoch, n_k those of class k; which of them is drawn anew each epoch

An epoch shrinks to classes · m examples, so give more epochs. As each has another draw, all examples are seen in the
end. It bites where the large classes are redundant or training is dear; where data is short, take over or balanced.
"""

import torch
from torch import Generator, Tensor

from temper.sampling.classes import check_classes, counts, members
from temper.strategy import OrderedSampling, strategy


@strategy
class Under(OrderedSampling):
    """As many of each class as the smallest has."""

    def check(self, classes: int) -> None:
        """Refuse a regression."""
        check_classes("under", classes)

    def size(self, targets: Tensor) -> int:
        """Return the classes present times the size of the smallest of them."""
        found = counts(targets)
        present = found[found > 0]
        return int(present.min() * len(present))

    def indices(self, targets: Tensor, generator: Generator) -> Tensor:
        """Return rows in which every class is as frequent as the smallest, none twice, shuffled."""
        classes = members(targets)
        smallest = min(len(rows) for rows in classes)
        chosen = [rows[torch.randperm(len(rows), generator=generator)[:smallest]] for rows in classes]
        order = torch.cat(chosen)
        return order[torch.randperm(len(order), generator=generator)]
