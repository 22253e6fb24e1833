"""What one sigmoid unit can learn: two classes of one number, with a noisy threshold between them.

    y = [tanh(2x) + u >= 1]           x and u uniform on [0, 1)
    P(y = 1 | x) = tanh(2x)           so that no rule on x is right always

A unit σ(w x + b) comes near that curve: what squared error and cross-entropy on one unit are compared on.
"""

from pathlib import Path
from typing import ClassVar, Self

import torch
from pydantic import model_validator
from torch import Tensor

from temper.data.reading import read_table
from temper.data.split import check_shares, cut
from temper.facts import Examples, Splits
from temper.quantity import Count, NonNegativeCount, ProperFraction, Switch
from temper.strategy import Data, strategy


@strategy
class TanhThreshold(Data):
    """Two classes of one feature, drawn from their own seed."""

    images: ClassVar[bool] = False

    examples: Count
    seed: NonNegativeCount
    validation: ProperFraction
    test: ProperFraction
    drop_last: Switch

    @model_validator(mode="after")
    def _shares(self) -> Self:
        check_shares(self.examples, self.validation, self.test)
        return self

    @property
    def classes(self) -> int:
        """Return 2: below the threshold, or not."""
        return 2

    def splits(self) -> Splits:
        """Return inputs (n, 1) float32 and classes (n,) int64."""
        x, u = torch.rand(2, self.examples, generator=torch.Generator().manual_seed(self.seed))
        reached = (torch.tanh(2 * x) + u >= 1).long()
        return cut(Examples(x.unsqueeze(1), reached), self.validation, self.test, class_names=("below", "reached"))

    def read(self, path: Path) -> Tensor:
        """Return the user's x, (n, 1)."""
        return read_table(path, columns=1)
