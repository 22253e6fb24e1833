"""What one sigmoid unit can learn: two classes of one number, with a noisy threshold between them.

    y = [tanh(2x) + u >= 1]           x and u uniform on [0, 1)
    P(y = 1 | x) = tanh(2x)           so that no rule on x is right always

A unit σ(w x + b) comes near that curve: what squared error and cross-entropy on one unit are compared on.
"""

from typing import ClassVar

import torch

from temper.data.rows import Rows
from temper.data.split import cut
from temper.facts import Examples, Splits
from temper.quantity import Count, NonNegativeCount
from temper.strategy import strategy


@strategy
class TanhThreshold(Rows):
    """Two classes of one feature, drawn from their own seed."""

    columns: ClassVar[int] = 1

    examples: Count
    seed: NonNegativeCount

    @property
    def count(self) -> int:
        """Return how many are drawn."""
        return self.examples

    @property
    def classes(self) -> int:
        """Return 2: below the threshold, or not."""
        return 2

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Return the one: x."""
        return ("x",)

    def splits(self) -> Splits:
        """Return inputs (n, 1) float32 and classes (n,) int64."""
        x, u = torch.rand(2, self.examples, generator=torch.Generator().manual_seed(self.seed))
        reached = (torch.tanh(2 * x) + u >= 1).long()
        return cut(Examples(x.unsqueeze(1), reached), self.validation, self.test, class_names=("below", "reached"))
