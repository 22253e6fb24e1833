"""How a distillation is asked without a run: a student, a teacher, a batch."""

from typing import Any

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor, nn

from temper.facts import Answer, Facts
from temper.network.tapped import tap
from temper.quantity import Clock
from temper.strategy import Distillation
from temper.teacher import Teacher
from temper.terms import Distiller

FACTS = Facts(kind="multiclass", shape=(3,), outputs=3, classes=3, examples=9, class_counts=(), clock=Clock((0, 9)))
FRACTION = ({"weight": 0.0}, {"weight": 1.0})
NOBODY = ({"teacher": None}, {"teacher": " "})


def built(record: Distillation, student: nn.Module, teacher: nn.Module, facts: Facts = FACTS) -> Distiller:
    """The distiller of ``student``, with ``teacher`` under whatever name the record has."""
    return record.build(facts, student, lambda name: Teacher(teacher))


def terms(distiller: Distiller, student: nn.Module, inputs: Tensor, target: Tensor | None = None) -> dict[str, Tensor]:
    """The terms of a batch, by the features that ``student`` has for it."""
    features: dict[str, Tensor] = {}
    handles = tap(student, distiller.taps, features)
    prediction = student(inputs)
    for handle in handles:
        handle.remove()
    wanted = torch.zeros(len(inputs), dtype=torch.long) if target is None else target
    return distiller.terms(inputs, Answer(prediction=prediction, features=features), wanted)


def of_answers(record: Distillation, teacher: Tensor, student: Tensor, target: Tensor | None = None) -> Tensor:
    """The one term of a distillation of answers, where the teacher says ``teacher`` and the student ``student``."""
    distiller = built(record, nn.Identity(), nn.Identity())
    wanted = torch.zeros(len(student), dtype=torch.long) if target is None else target
    (value,) = distiller.terms(teacher, Answer(prediction=student, features={}), wanted).values()
    return value


def refuses(record: Any, good: dict[str, Any], bad: dict[str, Any], said: str | None = None) -> None:
    """Check that ``record`` refuses the knobs ``bad`` in place of good ones, naming the first."""
    record(**good)
    with pytest.raises(ValidationError, match=said or next(iter(bad))):
        record(**{**good, **bad})
