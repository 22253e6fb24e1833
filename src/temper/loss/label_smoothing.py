"""Label smoothing (Szegedy et al., 2016, arXiv:1512.00567, section 7): a target that is never quite sure.

    -Σ_j q_j log p_j                       p the softmax of the logits, q the smoothed target of K classes
    others:   q_y = 1 - ε, q_j = ε/(K-1)   ε is what the true class y gives away to the others
    uniform:  q = (1 - ε) onehot + ε/K     PyTorch's: ε is spread over all K classes, the true one among them

``others`` at ε is ``uniform`` at ε K/(K-1). A soft target goes through the same linear map. It bites where labels are
wrong now and then, and where a network grows too sure; the unsmoothed loss it reports is then higher, by design.
"""

from typing import Literal

from torch import Tensor

from temper.facts import Facts, Kind
from temper.prediction import class_kind, expectation, widened
from temper.quantity import ProperFraction
from temper.strategy import Loss, LossFunction, strategy


@strategy
class LabelSmoothing(Loss):
    """Cross-entropy to smoothed targets, of each example."""

    smoothing: ProperFraction
    convention: Literal["others", "uniform"]

    def kind(self, classes: int) -> Kind:
        """Return ``multiclass``, for two classes or more."""
        return class_kind("label_smoothing", classes)

    def build(self, facts: Facts) -> LossFunction:
        """Return the cross-entropy of logits (n, k) to smoothed hard or soft targets, (n,)."""
        rivals = facts.classes - 1 if self.convention == "others" else facts.classes
        floor = self.smoothing / rivals
        kept = 1 - floor * facts.classes

        def loss(prediction: Tensor, target: Tensor, progress: float) -> Tensor:
            log_probability = widened(prediction).log_softmax(1)
            return -kept * expectation(log_probability, target) - floor * log_probability.sum(1)

        return loss
