"""Standardisation of tables, column by column (LeCun et al., 1998, "Efficient BackProp", section 4.3).

    x = (x - mean) / deviation    of each column over the training rows; the population's deviation, Σ(x - mean)²/n
    y = (y - mean) / deviation    of the target of a regression, for learning; metrics are in the target's own unit

Columns in units of their own stretch the loss into a narrow valley, through which gradient descent crawls; standardised
ones do not. A column that never varies is divided by 1.
"""

from collections.abc import Mapping
from typing import ClassVar, Self

import torch
from pydantic import model_validator
from torch import Tensor

from temper.facts import Examples
from temper.quantity import Switch
from temper.strategy import Preprocessing, strategy


@strategy
class Standardize(Preprocessing):
    """Each column shifted by its mean and divided by its deviation."""

    images: ClassVar[bool] = False

    inputs: Switch
    target: Switch

    @model_validator(mode="after")
    def _does_something(self) -> Self:
        if not (self.inputs or self.target):
            raise ValueError("inputs and target are both false, which does nothing: choose preprocessing=none")
        return self

    def fit(self, train: Examples) -> dict[str, Tensor]:
        """Return ``mean`` and ``deviation``, (features,), of a table (n, features); nothing if inputs stay.

        Raises:
            ValueError: the inputs are images.
        """
        if train.inputs.dim() != 2:
            raise ValueError("standardize is for tables, and this data is images: choose preprocessing=[normalize]")
        if not self.inputs:
            return {}
        mean, deviation = _moments(train.inputs)
        return {"mean": mean.float(), "deviation": deviation.float()}

    def apply(self, inputs: Tensor, fitted: Mapping[str, Tensor]) -> Tensor:
        """Return the standardised table (n, features)."""
        return (inputs - fitted["mean"]) / fitted["deviation"] if self.inputs else inputs

    def target_scale(self, train: Examples) -> tuple[float, float]:
        """Return the mean and the deviation of a regression's targets; (0, 1) for classes, or if targets stay."""
        if not (self.target and train.targets.is_floating_point()):
            return 0.0, 1.0
        mean, deviation = _moments(train.targets)
        return mean.item(), deviation.item()


def _moments(values: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and deviation over the first dimension, in float64; a deviation of 0 becomes 1."""
    values = values.double()
    # Rounding can leave a constant column a deviation of 1e-17 instead of 0, so constancy is asked for itself.
    constant = values.amax(0) == values.amin(0)
    deviation = values.std(0, correction=0)
    return values.mean(0), torch.where(constant | (deviation.float() == 0), 1.0, deviation)
