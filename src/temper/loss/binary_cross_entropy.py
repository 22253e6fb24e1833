"""Binary cross-entropy (Cox, 1958, "The Regression Analysis of Binary Sequences"): the log-likelihood of one sigmoid.

    -y log σ(f) - (1 - y) log(1 - σ(f))       f the logit of class 1, σ the sigmoid, y in [0, 1]
    = max(f, 0) - f y + log(1 + exp(-|f|))    the same without overflow
    -w₁ y log σ(f) - w₀ (1 - y) log(1 - σ(f)) with class weights w, which average 1 over the training set

For two classes and one output. Its gradient, σ(f) - y, stays large where a unit is sure and wrong; that of the squared
error does not.
"""

from torch import Tensor
from torch.nn import functional as F

from temper.facts import Facts, Kind
from temper.loss.class_weights import ClassWeighted, class_weights
from temper.prediction import counted, widened
from temper.strategy import LossFunction, strategy


@strategy
class BinaryCrossEntropy(ClassWeighted):
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
        weights = class_weights(self.class_weights, facts)

        def loss(prediction: Tensor, target: Tensor, progress: float) -> Tensor:
            prediction = widened(prediction)
            target = target.to(prediction.dtype)
            if weights is None:
                return F.binary_cross_entropy_with_logits(prediction, target, reduction="none")
            one, zero = weights.of_two(target)
            return -one * F.logsigmoid(prediction) - zero * F.logsigmoid(-prediction)

        return loss
