"""Decoupled distillation (Zhao et al., 2022, arXiv:2203.08679, eq. 7): how sure, and what else, weighed apart.

    T² (α · TCKD + β · NCKD)
    TCKD = KL((p_t, 1 - p_t) ‖ (q_t, 1 - q_t))     the true class t against all others together: how hard the example is
    NCKD = KL(p̂ ‖ q̂)                               among the others alone: p̂_j = p_j / (1 - p_t) for j ≠ t, q̂ alike
    p = softmax(z / T), q = softmax(f / T)         z the teacher's logits, f the student's

T² · KL(p ‖ q), which ``logits`` takes, is T² (TCKD + (1 - p_t) NCKD) in each example (eq. 6): a teacher that is sure of
the true class hides there what it knows of the others. It bites with such teachers; β much above α follows the paper.
"""

from typing import ClassVar

import torch
from torch import Tensor, nn

from temper.distillation.softened import divergence
from temper.distillation.taught import Taught
from temper.facts import Answer, Facts, Kind
from temper.prediction import expectation, widened
from temper.quantity import OpenFraction, Positive
from temper.strategy import Distillation, Teach, strategy
from temper.teacher import Teacher
from temper.terms import Distiller


@strategy
class DKD(Distillation):
    """The divergence on the true class and that among the others, each with a factor."""

    kinds: ClassVar[tuple[Kind, ...]] = ("multiclass",)
    terms: ClassVar[tuple[str, ...]] = ("dkd",)
    classes: ClassVar[int] = 3  # or there is nothing among the others to tell apart
    one_class: ClassVar[bool] = True

    teacher: Taught
    temperature: Positive
    alpha: Positive
    beta: Positive
    weight: OpenFraction

    def build(self, facts: Facts, student: nn.Module, teach: Teach) -> Distiller:
        """Return the distiller around the teacher."""
        return _DecoupledAnswers(teach(self.teacher), self.temperature, self.alpha, self.beta)


class _DecoupledAnswers(Distiller):
    def __init__(self, teacher: Teacher, temperature: float, alpha: float, beta: float) -> None:
        super().__init__()
        self.teacher, self._temperature, self._alpha, self._beta = teacher, temperature, alpha, beta

    def terms(self, inputs: Tensor, answer: Answer, target: Tensor) -> dict[str, Tensor]:
        """Return ``dkd`` of each example, (n,), for true classes ``target`` (n,)."""
        taught = widened(self.teacher.answer(inputs).prediction) / self._temperature
        learned = widened(answer.prediction) / self._temperature
        sure, else_ = target_divergence(taught, learned, target), others_divergence(taught, learned, target)
        return {"dkd": self._temperature**2 * (self._alpha * sure + self._beta * else_)}


def target_divergence(taught: Tensor, learned: Tensor, target: Tensor) -> Tensor:
    """Return TCKD of softened logits (n, k) at classes ``target`` (n,): (n,)."""
    return divergence(_sure(taught, target), _sure(learned, target))


def others_divergence(taught: Tensor, learned: Tensor, target: Tensor) -> Tensor:
    """Return NCKD of softened logits (n, k) at classes ``target`` (n,): (n,)."""
    true = _true(taught, target)
    # With both at 0 the true class adds nothing, neither here nor to the gradient.
    p, q = (_others(logits, true).log_softmax(1).masked_fill(true, 0.0) for logits in (taught, learned))
    return divergence(p, q)


def _sure(logits: Tensor, target: Tensor) -> Tensor:
    """Return the log-probabilities (n, 2) of the true class, and of all others together."""
    whole = logits.logsumexp(1)
    others = _others(logits, _true(logits, target)).logsumexp(1)
    return torch.stack((expectation(logits, target) - whole, others - whole), 1)


def _true(logits: Tensor, target: Tensor) -> Tensor:
    return torch.arange(logits.shape[1], device=logits.device) == target.unsqueeze(1)


def _others(logits: Tensor, true: Tensor) -> Tensor:
    return logits.masked_fill(true, -torch.inf)
