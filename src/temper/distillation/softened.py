"""Two answers in logits, softened by a temperature: what options share that compare these."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from temper.facts import Answer
from temper.prediction import widened
from temper.teacher import Teacher
from temper.terms import Distiller


def log_softened(logits: Tensor, temperature: float) -> Tensor:
    """Return the log-probabilities (n, k) of logits (n, k), or (n, 2) of the logits (n,) of class 1."""
    logits = widened(logits) / temperature
    if logits.dim() == 1:
        logits = torch.stack((torch.zeros_like(logits), logits), 1)
    return logits.log_softmax(1)


def divergence(taught: Tensor, learned: Tensor) -> Tensor:
    """Return KL(taught ‖ learned) of log-probabilities (n, k): (n,)."""
    return F.kl_div(learned, taught, reduction="none", log_target=True).sum(1)


class SoftenedAnswers(Distiller):
    """T² · KL(teacher ‖ student) of softened answers.

    Args:
        name: of the term.
        teacher: that is learned from.
        temperature: T.
        seen: what is made of logits before they are softened.
    """

    def __init__(
        self, name: str, teacher: Teacher, temperature: float, seen: Callable[[Tensor], Tensor] = widened
    ) -> None:
        super().__init__()
        self._name, self.teacher, self._temperature, self._seen = name, teacher, temperature, seen

    def terms(self, inputs: Tensor, answer: Answer, target: Tensor) -> dict[str, Tensor]:
        """Return the divergence of each example, (n,)."""
        both = (self.teacher.answer(inputs).prediction, answer.prediction)
        taught, learned = (log_softened(self._seen(logits), self._temperature) for logits in both)
        return {self._name: self._temperature**2 * divergence(taught, learned)}
