"""Distillation of logits (Hinton et al., 2015, arXiv:1503.02531, section 2): learn how a teacher ranks all classes.

    T² · KL(p ‖ q) = T² Σ_j p_j (log p_j - log q_j)
    p = softmax(z / T)    the teacher's softened answer, z its logits
    q = softmax(f / T)    the student's, f its logits; two classes by one logit: softmax of (0, f)

T² keeps the gradient's size when T changes; for a large T the value tends to half the mean squared difference of the
centred logits. It bites when the teacher is clearly better than the student is alone; a teacher that is sure of
everything needs a larger T to say more than the labels do.
"""

from typing import Annotated, Any, ClassVar

import torch
from pydantic import BeforeValidator, Field
from torch import Tensor, nn
from torch.nn import functional as F

from temper.facts import Answer, Facts, Kind
from temper.prediction import widened
from temper.quantity import Positive, ProperFraction
from temper.strategy import Distillation, Teach, strategy
from temper.terms import Distiller


def _named(teacher: Any) -> Any:
    if teacher is None or (isinstance(teacher, str) and not teacher.strip()):
        raise ValueError(
            "a distillation needs a teacher, a run's folder or a checkpoint in one: distillation.logits.teacher=RUN"
        )
    return teacher


@strategy
class Logits(Distillation):
    """The divergence of the student's softened answer from the teacher's."""

    kinds: ClassVar[tuple[Kind, ...]] = ("multiclass", "binary")
    terms: ClassVar[tuple[str, ...]] = ("logits",)

    teacher: Annotated[str, BeforeValidator(_named)]
    temperature: Positive
    weight: Annotated[ProperFraction, Field(gt=0)]

    def build(self, facts: Facts, teach: Teach) -> Distiller:
        """Return the distiller around the teacher's network."""
        return _SoftenedAnswers(teach(self.teacher), self.temperature)


class _SoftenedAnswers(Distiller):
    def __init__(self, teacher: nn.Module, temperature: float) -> None:
        super().__init__()
        # In a tuple, a guest: no submodule, so never trained, saved or put in train mode with the student.
        self._guest = (teacher.eval().requires_grad_(False),)
        self._guest_device: torch.device | None = None
        self._temperature = temperature

    def terms(self, inputs: Tensor, answer: Answer, target: Tensor) -> dict[str, Tensor]:
        """Return ``logits``: T² · KL(teacher ‖ student) of each example, (n,)."""
        teacher = self._guest[0]
        if self._guest_device != inputs.device:
            teacher.to(inputs.device, inputs.dtype)
            self._guest_device = inputs.device
        with torch.no_grad():
            taught = self._log_softened(teacher(inputs))
        learned = self._log_softened(answer.prediction)
        divergence = F.kl_div(learned, taught, reduction="none", log_target=True).sum(1)
        return {"logits": self._temperature**2 * divergence}

    def _log_softened(self, logits: Tensor) -> Tensor:
        """Return the log-probabilities (n, k) of logits (n, k), or (n, 2) of the logits (n,) of class 1."""
        logits = widened(logits) / self._temperature
        if logits.dim() == 1:
            logits = torch.stack((torch.zeros_like(logits), logits), 1)
        return logits.log_softmax(1)
