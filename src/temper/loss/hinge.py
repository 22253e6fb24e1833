"""Hinge loss (Cortes & Vapnik, 1995; K classes: Crammer & Singer, 2001, JMLR 2, section 3): right by a margin of 1.

    max(0, 1 - s f)                    two classes: f the logit of class 1, s = 1 for class 1 and -1 for class 0
    max(0, 1 + max_{j≠y} f_j - f_y)    K classes: the true logit against its strongest rival
    Σ_c t_c hinge(c)                   a soft target t: the expected loss of a class drawn from it

Examples beyond the margin give no gradient at all, so the rest decide alone; the logits are no probabilities.
"""

from torch import Tensor

from temper.facts import Facts, Kind
from temper.prediction import class_kind, expectation, widened
from temper.strategy import Loss, LossFunction, strategy


@strategy
class Hinge(Loss):
    """Margin violation of each example."""

    def kind(self, classes: int) -> Kind:
        """Return ``binary`` for two classes, ``multiclass`` for more."""
        return "binary" if classes == 2 else class_kind("hinge", classes)

    def build(self, facts: Facts) -> LossFunction:
        """Return the hinge of one logit (n,) or of logits (n, k), (n,)."""
        return _one_logit if facts.kind == "binary" else _logit_a_class


def _one_logit(prediction: Tensor, target: Tensor, progress: float) -> Tensor:
    prediction = widened(prediction)
    target = target.to(prediction.dtype)
    return target * (1 - prediction).relu() + (1 - target) * (1 + prediction).relu()


def _logit_a_class(prediction: Tensor, target: Tensor, progress: float) -> Tensor:
    prediction = widened(prediction)
    (first, second), (strongest, _) = (part.unbind(1) for part in prediction.topk(2, dim=1))
    rival = first.unsqueeze(1).expand_as(prediction).scatter(1, strongest.unsqueeze(1), second.unsqueeze(1))
    return expectation((1 + rival - prediction).relu(), target)
