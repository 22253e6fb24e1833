"""Cross-entropy of K classes (Bridle, 1990, "Probabilistic Interpretation ..."): the surprise at the true class.

    p_j = exp(f_j) / Σ_i exp(f_i)     f the K logits
    -log p_y                          y the true class
    -Σ_j t_j log p_j                  for a soft target t, as mixing of images makes them
    -Σ_j t_j w_j log p_j              with class weights w, which average 1 over the training set

The default of every classifier: its gradient, p - t, is large wherever the network is sure and wrong.
"""

from torch import Tensor
from torch.nn import functional as F

from temper.facts import Facts, Kind
from temper.loss.class_weights import ClassWeighted, class_weights
from temper.prediction import class_kind, widened
from temper.strategy import LossFunction, strategy


@strategy
class CrossEntropy(ClassWeighted):
    """Softmax cross-entropy of each example."""

    def kind(self, classes: int) -> Kind:
        """Return ``multiclass``, for two classes or more."""
        return class_kind("cross_entropy", classes)

    def build(self, facts: Facts) -> LossFunction:
        """Return the cross-entropy of logits (n, k) to hard or soft targets, (n,)."""
        weights = class_weights(self.class_weights, facts)

        def loss(prediction: Tensor, target: Tensor, progress: float) -> Tensor:
            prediction = widened(prediction)
            if target.dim() == 2:
                target = target.to(prediction.dtype)
            weight = None if weights is None else weights.like(prediction)
            return F.cross_entropy(prediction, target, weight, reduction="none")

        return loss
