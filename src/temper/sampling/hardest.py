"""The hardest examples: those whose loss was largest when they were last learned from (Loshchilov and Hutter, 2015).

    kₑ = ⌊keep[⌊e m/E⌋] n⌋                  examples of epoch e of E, counted from 0; m is the length of ``keep``
    epoch e: the kₑ of largest ℓᵢ, in a fresh order    ℓᵢ of example i as training last saw it, ∞ if it has not yet

After arXiv:1511.06343, which ranks by the latest known loss and draws with a chance that falls with the rank; here the
ranks decide alone. (Jordan's airbench96_faster, 2024, also keeps the hardest, of each batch, and asks a smaller network
for them.) A loss costs nothing, as the step has computed it, but is as old as the last time its example was taken: an
easy one comes again when the others have become easier than it was. The gradient is no longer that of the mean over all
examples. It bites where most of an epoch is spent on what is known, so late in a run; labels that are wrong stay hard
for good, and are learned by heart.
"""

from typing import Annotated

import torch
from pydantic import Field
from torch import Generator, Tensor

from temper.strategy import OrderedSampling, strategy

Share = Annotated[float, Field(gt=0, le=1, strict=True)]
_ROUNDED = 1e-9  # 0.7 of 10 is 7, whatever floats make of it


@strategy
class Hardest(OrderedSampling):
    """Less and less of what is known already."""

    remembers = True

    keep: Annotated[tuple[Share, ...], Field(min_length=1)]

    def check(self, classes: int) -> None:
        """Take any data."""

    def size(self, targets: Tensor) -> int:
        """Return n."""
        return len(targets)

    def count(self, size: int, epoch: int, epochs: int) -> int:
        """Return k, of ``size`` examples one at least."""
        share = self.keep[min(epoch, epochs - 1) * len(self.keep) // epochs]
        return max(1, int(share * size + _ROUNDED))

    def narrowed(self, losses: Tensor, count: int, generator: Generator) -> Tensor:
        """Return the rows of the largest ``losses``; among equal ones a draw decides."""
        shuffled = torch.randperm(len(losses), generator=generator)
        return shuffled[losses[shuffled].argsort(descending=True, stable=True)[:count]]

    def indices(self, targets: Tensor, generator: Generator) -> Tensor:
        """Return a permutation of the rows, (k,)."""
        return torch.randperm(len(targets), generator=generator)
