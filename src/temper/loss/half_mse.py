"""Half the mean squared error: the textbook form of least squares (Ng, 2012, CS229 lecture notes 1, part I).

    J(θ) = 1/(2m) Σ (h - y)²       m examples; h the prediction, y the target
    ½ (h - y)²                     one example's share, so that their mean is J

Its gradient is (h - y) without the factor 2, so a step at rate η equals one of ``mse`` at η/2: under plain gradient
descent that is the whole difference. Two classes: h = sigmoid(f), f the logit of one unit.
"""

from temper.facts import Facts, Kind
from temper.prediction import squared_error, squared_kind
from temper.strategy import Loss, LossFunction, strategy


@strategy
class HalfMSE(Loss):
    """Half the squared error of each example."""

    def kind(self, classes: int) -> Kind:
        """Return ``regression``, or ``binary`` for two classes."""
        return squared_kind("half_mse", classes)

    def build(self, facts: Facts) -> LossFunction:
        """Return half the squared error of values, or of a sigmoid unit, (n,)."""
        return lambda prediction, target, progress: squared_error(prediction, target, facts.kind) / 2
