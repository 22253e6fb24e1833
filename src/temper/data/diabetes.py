"""Diabetes (Efron, Hastie, Johnstone & Tibshirani, 2004, "Least Angle Regression"): a real, small regression.

    y = disease progression a year later, 25 to 346    of 442 patients
    x = age, sex, body mass, blood pressure, 6 sera    in their own units, hence preprocessing=[standardize]

Ships with scikit-learn. Linear models explain about half of the variance, and more elaborate ones hardly more: what is
measured here is training, not modelling.
"""

from pathlib import Path
from typing import ClassVar, Self

import torch
from pydantic import model_validator
from torch import Tensor

from temper.data.reading import read_table
from temper.data.split import check_shares, cut
from temper.facts import Examples, Splits
from temper.quantity import ProperFraction, Switch
from temper.strategy import Data, strategy

_EXAMPLES, _FEATURES = 442, 10


@strategy
class Diabetes(Data):
    """442 patients, 10 features."""

    images: ClassVar[bool] = False

    validation: ProperFraction
    test: ProperFraction
    drop_last: Switch

    @model_validator(mode="after")
    def _shares(self) -> Self:
        check_shares(_EXAMPLES, self.validation, self.test)
        return self

    @property
    def classes(self) -> int:
        """Return 0: a regression."""
        return 0

    def splits(self) -> Splits:
        """Return inputs (n, 10) in their own units and targets (n,), float32."""
        from sklearn.datasets import load_diabetes  # here, as it takes a second that other data need not pay

        inputs, targets = load_diabetes(return_X_y=True, scaled=False)
        examples = Examples(torch.from_numpy(inputs).float(), torch.from_numpy(targets).float())
        return cut(examples, self.validation, self.test, class_names=())

    def read(self, path: Path) -> Tensor:
        """Return the user's patients, (n, 10), in the columns' own order and units."""
        return read_table(path, columns=_FEATURES)
