"""Mean squared error (Gauss, 1809, Theoria Motus, art. 179): the distance to the target, squared.

    (h - y)²             h the prediction of a regression, y its target; the mean over examples is what is minimised
    (sigmoid(f) - y)²    for two classes: one sigmoid unit, f its logit, y in [0, 1]

It bites on regressions; outliers weigh by the square of their distance. On a sigmoid unit its gradient dies where the
unit is sure of itself, also when it is wrong: compare with ``binary_cross_entropy``.
"""

from temper.facts import Facts, Kind
from temper.prediction import squared_error, squared_kind
from temper.strategy import Loss, LossFunction, strategy


@strategy
class MSE(Loss):
    """Squared error of each example."""

    def kind(self, classes: int) -> Kind:
        """Return ``regression``, or ``binary`` for two classes."""
        return squared_kind("mse", classes)

    def build(self, facts: Facts) -> LossFunction:
        """Return the squared error of values, or of a sigmoid unit, (n,)."""
        return lambda prediction, target, progress: squared_error(prediction, target, facts.kind)
