"""Half the mean squared error: the textbook form of least squares (Ng, 2012, CS229 lecture notes 1, part I).

    J(θ) = 1/(2m) Σ (h - y)²       m examples; h the prediction, y the target
    ½ (h - y)²                     one example's share, so that their mean is J

Its gradient is (h - y) without the factor 2, so a step at rate η equals one of ``mse`` at η/2: under plain gradient
descent that is the whole difference. Two classes: h = sigmoid(f), f the logit of one unit.
"""

from torch import Tensor

from temper.facts import Facts, Kind
from temper.prediction import squared_kind, widened
from temper.strategy import Loss, LossFunction, strategy


@strategy
class HalfMSE(Loss):
    """Half the squared error of each example."""

    def kind(self, classes: int) -> Kind:
        """Return ``regression``, or ``binary`` for two classes."""
        return squared_kind("half_mse", classes)

    def build(self, facts: Facts) -> LossFunction:
        """Return half the squared error of values, or of a sigmoid unit, (n,)."""
        sigmoid = facts.kind == "binary"

        def loss(prediction: Tensor, target: Tensor, progress: float) -> Tensor:
            prediction = widened(prediction)
            answer = prediction.sigmoid() if sigmoid else prediction
            return (answer - target.to(answer.dtype)).square() / 2

        return loss
