"""Label smoothing (Szegedy et al., 2016, arXiv:1512.00567, section 7): a target that is never quite sure.

    -Σ_j q_j log p_j                       p the softmax of the logits, q the smoothed target of K classes
    others:   q_y = 1 - ε, q_j = ε/(K-1)   ε is what the true class y gives away to the others
    uniform:  q = (1 - ε) onehot + ε/K     PyTorch's: ε is spread over all K classes, the true one among them
    ε = (1 - t) smoothing + t final        where ``final`` is given: t the share of the run that is over
    -w_y Σ_j q_j log p_j                   with class weights w, which average 1 over the training set

``others`` at ε is ``uniform`` at ε K/(K-1). A soft target is the expected loss of a class drawn from it. An example
weighs what its own class does, also in the part that is spread (PyTorch weighs each part by the class it falls on). It
bites where labels are wrong now and then, and where a network grows too sure; the loss it reports is then higher, by
design.
"""

from typing import Literal

from torch import Tensor

from temper.facts import Facts, Kind
from temper.loss.class_weights import ClassWeighted, class_weights
from temper.prediction import class_kind, expectation, widened
from temper.quantity import ProperFraction
from temper.strategy import LossFunction, strategy


@strategy
class LabelSmoothing(ClassWeighted):
    """Cross-entropy to smoothed targets, of each example."""

    smoothing: ProperFraction
    convention: Literal["others", "uniform"]
    final: ProperFraction | None

    def kind(self, classes: int) -> Kind:
        """Return ``multiclass``, for two classes or more."""
        return class_kind("label_smoothing", classes)

    def build(self, facts: Facts) -> LossFunction:
        """Return the cross-entropy of logits (n, k) to smoothed hard or soft targets, (n,)."""
        weights = class_weights(self.class_weights, facts)
        rivals = facts.classes - 1 if self.convention == "others" else facts.classes

        def loss(prediction: Tensor, target: Tensor, progress: float) -> Tensor:
            floor = self._smoothing(progress) / rivals
            kept = 1 - floor * facts.classes
            log_probability = widened(prediction).log_softmax(1)
            if weights is None:
                return -kept * expectation(log_probability, target) - floor * log_probability.sum(1)
            weighed = weights.applied(target, log_probability)
            return -kept * expectation(log_probability, weighed) - floor * weighed.sum(1) * log_probability.sum(1)

        return loss

    def _smoothing(self, progress: float) -> float:
        if self.final is None:
            return self.smoothing
        return (1 - progress) * self.smoothing + progress * self.final
