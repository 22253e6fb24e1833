"""Digits (Alpaydin & Kaynak, 1998, "Optical Recognition of Handwritten Digits"): a real, small classification.

    x = 8x8 counts of ink, 0 to 16, as one row of 64    of 1797 handwritten digits
    y = the digit, 0 to 9                               split with each class's share in every part

Ships with scikit-learn. A small MLP learns it in seconds: the place to see at once what an option does.
"""

from pathlib import Path
from typing import ClassVar, Self

import torch
from pydantic import model_validator
from torch import Tensor

from temper.data.corruption import corrupt
from temper.data.reading import read_table
from temper.data.split import check_shares, cut
from temper.facts import Examples, Splits
from temper.quantity import AboveOne, Fraction, Positive, ProperFraction, Switch
from temper.strategy import Data, strategy

_EXAMPLES, _FEATURES = 1797, 64


@strategy
class Digits(Data):
    """1797 digits as rows of 64 numbers."""

    images: ClassVar[bool] = False

    validation: ProperFraction
    test: ProperFraction
    drop_last: Switch
    label_noise: Fraction | None
    imbalance: AboveOne | None
    input_noise: Positive | None

    @model_validator(mode="after")
    def _shares(self) -> Self:
        check_shares(_EXAMPLES, self.validation, self.test)
        return self

    @property
    def classes(self) -> int:
        """Return 10, one a digit."""
        return 10

    def splits(self) -> Splits:
        """Return inputs (n, 64) float32 and digits (n,) int64; ValueError: imbalance leaves a digit none."""
        from sklearn.datasets import load_digits  # here, as it takes a second that other data need not pay

        inputs, targets = load_digits(return_X_y=True)
        examples = Examples(torch.from_numpy(inputs).float(), torch.from_numpy(targets).long())
        splits = cut(examples, self.validation, self.test, class_names=tuple("0123456789"))
        return corrupt(splits, label_noise=self.label_noise, imbalance=self.imbalance, input_noise=self.input_noise)

    def read(self, path: Path) -> Tensor:
        """Return the user's digits, (n, 64), each 8x8 counts of ink row by row."""
        return read_table(path, columns=_FEATURES)
