"""Binary cross-entropy (Cox, 1958, "The Regression Analysis of Binary Sequences"): the log-likelihood of one sigmoid.

    -y log σ(f) - (1 - y) log(1 - σ(f))       f the logit of class 1, σ the sigmoid, y in [0, 1]
    = max(f, 0) - f y + log(1 + exp(-|f|))    the same without overflow

For two classes and one output. Its gradient, σ(f) - y, stays large where a unit is sure and wrong; that of the squared
error does not.
"""

from torch import Tensor
from torch.nn import functional as F

from temper.facts import Facts, Kind
from temper.prediction import counted, widened
from temper.strategy import Loss, LossFunction, strategy


@strategy
class BinaryCrossEntropy(Loss):
    """Sigmoid cross-entropy of each example."""

    def kind(self, classes: int) -> Kind:
        """Return ``binary``, for exactly two classes."""
        if classes == 2:
            return "binary"
        others = "mse or half_mse" if classes < 2 else "cross_entropy, label_smoothing or hinge"
        raise ValueError(
            f"binary_cross_entropy is for 2 classes, and this data has {counted(classes)}: choose loss={others}"
        )

    def build(self, facts: Facts) -> LossFunction:
        """Return the cross-entropy of logits (n,) to targets in [0, 1], (n,)."""

        def loss(prediction: Tensor, target: Tensor, progress: float) -> Tensor:
            prediction = widened(prediction)
            return F.binary_cross_entropy_with_logits(prediction, target.to(prediction.dtype), reduction="none")

        return loss
