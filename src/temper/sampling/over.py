"""Random oversampling (He & Garcia, 2009, "Learning from Imbalanced Data", section 3.1.1): small classes are repeated.

    m = max_k n_k             examples of every class in an epoch; n_k the training examples of class k
    m = q·n_k + r, r < n_k    each example of class k comes q times, r of them once more, drawn anew each epoch

Nothing is thrown away, and the network is asked about each class equally often. Buda, Maki & Mazurowski (2018,
arXiv:1710.05381) found it the safest remedy for convolutional networks; few images seen many times can be learned by
heart, so augmentation goes well with it. An epoch grows to classes · m examples, and costs as much more.
"""

import torch
from torch import Generator, Tensor

from temper.sampling.classes import check_classes, counts, members
from temper.strategy import OrderedSampling, strategy


@strategy
class Over(OrderedSampling):
    """As many of each class as the largest has."""

    def check(self, classes: int) -> None:
        """Refuse a regression."""
        check_classes("over", classes)

    def size(self, targets: Tensor) -> int:
        """Return the classes present times the size of the largest."""
        found = counts(targets)
        return int(found.max() * (found > 0).sum())

    def indices(self, targets: Tensor, generator: Generator) -> Tensor:
        """Return rows in which every class is as frequent as the largest, shuffled."""
        classes = members(targets)
        largest = max(len(rows) for rows in classes)
        chosen = []
        for rows in classes:
            times, rest = divmod(largest, len(rows))
            chosen += [rows.repeat(times), rows[torch.randperm(len(rows), generator=generator)[:rest]]]
        order = torch.cat(chosen)
        return order[torch.randperm(len(order), generator=generator)]
