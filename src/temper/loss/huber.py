"""Huber loss (Huber, 1964, "Robust Estimation of a Location Parameter", section 4): squares, but not for outliers.

    ½ r²             where |r| <= δ, r = h - y: the prediction minus the target
    δ (|r| - ½ δ)    elsewhere: the tangent, so that one example's pull is never more than δ

δ is in the target's units, as it is learned: in deviations where preprocessing.standardize.target=true. A large δ is
half_mse, a small one δ times the absolute error. It bites on regressions with a few targets that are far off.
"""

from torch import Tensor
from torch.nn import functional as F

from temper.facts import Facts, Kind
from temper.prediction import counted, widened
from temper.quantity import Positive
from temper.strategy import Loss, LossFunction, strategy


@strategy
class Huber(Loss):
    """Half the squared error of each example up to δ, its absolute error from there."""

    delta: Positive

    def kind(self, classes: int) -> Kind:
        """Return ``regression``."""
        if classes == 0:
            return "regression"
        raise ValueError(
            f"huber is for a regression, and this data has {counted(classes)}:"
            " choose loss=cross_entropy, label_smoothing or hinge"
        )

    def build(self, facts: Facts) -> LossFunction:
        """Return the loss of values (n,) to targets (n,), (n,)."""

        def loss(prediction: Tensor, target: Tensor, progress: float) -> Tensor:
            prediction = widened(prediction)
            return F.huber_loss(prediction, target.to(prediction.dtype), reduction="none", delta=self.delta)

        return loss
