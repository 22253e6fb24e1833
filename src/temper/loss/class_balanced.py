"""Class-balanced loss (Cui et al., 2019, arXiv:1901.05555, eq. 8): a class weighs by how much new its examples say.

    E_n = (1 - β^n) / (1 - β)           effective number of n examples: each new one overlaps with those before it
    w_c ∝ 1/E_n = (1 - β)/(1 - β^n_c)   n_c the training examples of class c
    -w_y log p_y                        p the softmax of the logits, y the true class

The weights average 1 over the training set (the paper's average 1 over the classes: a factor for the rate to take up).
β = 0 weighs no class, β → 1 weighs by 1/n_c; n_c far beyond 1/(1 - β) add nothing. Two classes have two logits, whose
difference is the logit of a sigmoid: the same model as one output of binary_cross_entropy, which takes weights of its
own. It bites on a long tail.
"""

from torch import Tensor
from torch.nn import functional as F

from temper.facts import Facts, Kind
from temper.loss.class_weights import Weights, normalised
from temper.prediction import class_kind, widened
from temper.quantity import ProperFraction
from temper.strategy import Loss, LossFunction, strategy


@strategy
class ClassBalanced(Loss):
    """Cross-entropy of each example, times the inverse effective number of its class."""

    beta: ProperFraction

    @property
    def by_frequency(self) -> bool:
        """Return True: the effective numbers are those of the training set."""
        return True

    def kind(self, classes: int) -> Kind:
        """Return ``multiclass``, for two classes or more."""
        return class_kind("class_balanced", classes)

    def weighs(self, facts: Facts) -> tuple[float, ...]:
        """Return the inverse effective numbers, 1 on average over the training examples."""
        # A class without an example is nobody's: any finite number will do.
        inverse = [(1 - self.beta) / (1 - self.beta ** max(1, count)) for count in facts.class_counts]
        return tuple(normalised(inverse, facts))

    def build(self, facts: Facts) -> LossFunction:
        """Return the weighed cross-entropy of logits (n, k) to hard or soft targets, (n,)."""
        weights = Weights(self.weighs(facts))

        def loss(prediction: Tensor, target: Tensor, progress: float) -> Tensor:
            prediction = widened(prediction)
            if target.dim() == 2:
                target = target.to(prediction.dtype)
            return F.cross_entropy(prediction, target, weights.like(prediction), reduction="none")

        return loss
