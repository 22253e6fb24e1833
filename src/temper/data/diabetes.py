"""Diabetes (Efron, Hastie, Johnstone & Tibshirani, 2004, "Least Angle Regression"): a real, small regression.

    y = disease progression a year later, 25 to 346    of 442 patients
    x = age, sex, body mass, blood pressure, 6 sera    in their own units, hence preprocessing=[standardize]

Ships with scikit-learn. Linear models explain about half of the variance, and more elaborate ones hardly more: what is
measured here is training, not modelling.
"""

from typing import ClassVar

import torch

from temper.data.rows import Rows
from temper.data.split import cut
from temper.facts import Examples, Splits
from temper.strategy import strategy


@strategy
class Diabetes(Rows):
    """442 patients, 10 features."""

    columns: ClassVar[int] = 10

    @property
    def count(self) -> int:
        """Return 442."""
        return 442

    @property
    def classes(self) -> int:
        """Return 0: a regression."""
        return 0

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Return them as scikit-learn does: bmi is body mass, bp blood pressure, s1 to s6 are sera."""
        return ("age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6")

    def splits(self) -> Splits:
        """Return inputs (n, 10) in their own units and targets (n,), float32."""
        from sklearn.datasets import load_diabetes  # here, as it takes a second that other data need not pay

        inputs, targets = load_diabetes(return_X_y=True, scaled=False)
        examples = Examples(torch.from_numpy(inputs).float(), torch.from_numpy(targets).float())
        return cut(examples, self.validation, self.test, class_names=())
