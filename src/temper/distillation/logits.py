"""Distillation of logits (Hinton et al., 2015, arXiv:1503.02531, section 2): learn how a teacher ranks all classes.

    T² · KL(p ‖ q) = T² Σ_j p_j (log p_j - log q_j)
    p = softmax(z / T)    the teacher's softened answer, z its logits
    q = softmax(f / T)    the student's, f its logits; two classes by one logit: softmax of (0, f)

T² keeps the gradient's size when T changes; for a large T the value tends to half the mean squared difference of the
centred logits. It bites when the teacher is clearly better than the student is alone; a teacher that is sure of
everything needs a larger T to say more than the labels do.

A teacher of the student's own kind makes it a born-again network (Furlanello et al., 2018, arXiv:1805.04770, section
3): T = 1, each run taught by the one before it, from another seed. It bites where the labels say less than the answers.
"""

from typing import ClassVar

from torch import nn

from temper.distillation.softened import SoftenedAnswers
from temper.distillation.taught import Taught
from temper.facts import Facts, Kind
from temper.quantity import OpenFraction, Positive
from temper.strategy import Distillation, Teach, strategy
from temper.terms import Distiller


@strategy
class Logits(Distillation):
    """The divergence of the student's softened answer from the teacher's."""

    kinds: ClassVar[tuple[Kind, ...]] = ("multiclass", "binary")
    terms: ClassVar[tuple[str, ...]] = ("logits",)

    teacher: Taught
    temperature: Positive
    weight: OpenFraction

    def build(self, facts: Facts, student: nn.Module, teach: Teach) -> Distiller:
        """Return the distiller around the teacher."""
        return SoftenedAnswers("logits", teach(self.teacher), self.temperature)
