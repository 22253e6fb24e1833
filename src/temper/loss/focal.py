"""Focal loss (Lin et al., 2017, arXiv:1708.02002, eqs. 4 and 5): what is answered well already counts for little.

    -(1 - p_y)^γ log p_y                two classes: p_1 = σ(f), p_0 = 1 - σ(f), f the logit of class 1
                                        K classes: p the softmax of the K logits
    -w_y (1 - p_y)^γ log p_y            with class weights w: the paper's α for class 1 and 1 - α for class 0
    Σ_c t_c focal(c)                    a soft target t: the expected loss of a class drawn from it

γ = 0 is cross-entropy; at the paper's γ = 2 an example that is answered with p = 0.9 counts a hundredth of what it did.
Weights average 1 over the training set, so the paper's α = 0.25 is class_weights=[0.75,0.25] up to a factor. It bites
where easy examples drown the few hard ones; where labels are wrong, the wrong ones are the hard ones.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from temper.facts import Facts, Kind
from temper.loss.class_weights import ClassWeighted, class_weights
from temper.prediction import class_kind, expectation, widened
from temper.quantity import NonNegative
from temper.strategy import LossFunction, strategy


@strategy
class Focal(ClassWeighted):
    """Cross-entropy of each example, times a power of what the answer lacks."""

    gamma: NonNegative

    def kind(self, classes: int) -> Kind:
        """Return ``binary`` for two classes, ``multiclass`` for more."""
        return "binary" if classes == 2 else class_kind("focal", classes)

    def build(self, facts: Facts) -> LossFunction:
        """Return the focal loss of one logit (n,) or of logits (n, k), (n,)."""
        weights = class_weights(self.class_weights, facts)

        def one_logit(prediction: Tensor, target: Tensor, progress: float) -> Tensor:
            prediction = widened(prediction)
            target = target.to(prediction.dtype)
            one, zero = (target, 1 - target) if weights is None else weights.of_two(target)
            return one * self._focal(F.logsigmoid(prediction)) + zero * self._focal(F.logsigmoid(-prediction))

        def logit_a_class(prediction: Tensor, target: Tensor, progress: float) -> Tensor:
            log_probability = widened(prediction).log_softmax(1)
            weighed = target if weights is None else weights.applied(target, log_probability)
            return expectation(self._focal(log_probability), weighed)

        return one_logit if facts.kind == "binary" else logit_a_class

    def _focal(self, log_probability: Tensor) -> Tensor:
        # Where p rounds to 1 a power below 1 has an infinite slope, and its product with log p = 0 would be no number.
        lacking = (-torch.expm1(log_probability)).clamp(min=torch.finfo(log_probability.dtype).tiny)
        return -(lacking**self.gamma) * log_probability
