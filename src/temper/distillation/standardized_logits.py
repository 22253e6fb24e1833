"""Distillation of standardised logits (Sun et al., 2024, arXiv:2403.01427): learn how logits relate, not how large.

    T² · KL(softmax(s(z) / T) ‖ softmax(s(f) / T))    z the teacher's logits, f the student's
    s(z) = (z - mean(z)) / σ(z)                       example by example; σ² = mean((z - mean(z))²), over the classes
    s(z) = 0                                          where all logits are equal but for rounding, to rounding

A shift or a positive factor of either side's logits changes nothing: a small student need not put out numbers as large
as a large teacher's, and T means the same for both. It bites where the teacher's logits have another range than the
student could reach; where both are alike it is ``logits`` at a temperature of its own for each example.
"""

from typing import ClassVar

import torch
from torch import Tensor, nn

from temper.distillation.softened import SoftenedAnswers
from temper.distillation.taught import Taught
from temper.facts import Facts, Kind
from temper.prediction import widened
from temper.quantity import OpenFraction, Positive
from temper.strategy import Distillation, Teach, strategy
from temper.terms import Distiller

_ROUNDING = 8  # units in the last place of the largest logit


@strategy
class StandardizedLogits(Distillation):
    """The divergence of answers whose logits have mean 0 and variance 1."""

    kinds: ClassVar[tuple[Kind, ...]] = ("multiclass",)
    terms: ClassVar[tuple[str, ...]] = ("standardized_logits",)
    classes: ClassVar[int] = 3  # of two, standardised, only the larger could be told

    teacher: Taught
    temperature: Positive
    weight: OpenFraction

    def build(self, facts: Facts, student: nn.Module, teach: Teach) -> Distiller:
        """Return the distiller around the teacher."""
        return SoftenedAnswers("standardized_logits", teach(self.teacher), self.temperature, _standardized)


def _standardized(logits: Tensor) -> Tensor:
    """Return logits (n, k) with mean 0 and variance 1 in each row."""
    wide = widened(logits)
    centred = wide - wide.mean(1, keepdim=True)
    variance = centred.square().mean(1, keepdim=True)
    # Where all are equal but for the rounding of their mean, nothing is divided: a root has no slope at 0.
    differ = variance.detach().sqrt() > _ROUNDING * torch.finfo(wide.dtype).eps * wide.detach().abs().amax(1, True)
    return centred / torch.where(differ, variance, 1).sqrt()
