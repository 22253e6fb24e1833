"""Digits (Alpaydin & Kaynak, 1998, "Optical Recognition of Handwritten Digits"): a real, small classification.

    x = 8x8 counts of ink, 0 to 16, as one row of 64    of 1797 handwritten digits
    y = the digit, 0 to 9                               split with each class's share in every part

Ships with scikit-learn. A small MLP learns it in seconds: the place to see at once what an option does.
"""

from typing import ClassVar

import torch
from torch import Tensor

from temper.data.corruption import corrupt
from temper.data.rows import Rows
from temper.data.split import cut
from temper.facts import Examples, Splits
from temper.quantity import AboveOne, Fraction, Positive
from temper.strategy import strategy


@strategy
class Digits(Rows):
    """1797 digits as rows of 64 numbers."""

    columns: ClassVar[int] = 64
    picture: ClassVar[tuple[int, int] | None] = (8, 8)

    label_noise: Fraction | None
    imbalance: AboveOne | None
    input_noise: Positive | None

    @property
    def count(self) -> int:
        """Return 1797."""
        return 1797

    @property
    def classes(self) -> int:
        """Return 10, one a digit."""
        return 10

    def splits(self) -> Splits:
        """Return inputs (n, 64) float32 and digits (n,) int64; ValueError: imbalance leaves a digit none."""
        from sklearn.datasets import load_digits  # here, as it takes a second that other data need not pay

        ink, targets = load_digits(return_X_y=True)
        examples = Examples(self.seen(torch.from_numpy(ink).float()), torch.from_numpy(targets).long())
        splits = cut(examples, self.validation, self.test, class_names=tuple("0123456789"))
        return corrupt(splits, label_noise=self.label_noise, imbalance=self.imbalance, input_noise=self.input_noise)

    def seen(self, ink: Tensor) -> Tensor:
        """Return what a task sees of counts of ink (n, 64): the rows themselves."""
        return ink
