"""Distillation of logits against the divergence in plain floats, and the teacher as a guest."""

import math
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from tests.distillation.conftest import built, of_answers
from torch import Tensor, nn

from temper.distillation.logits import Logits
from temper.facts import Answer
from temper.terms import Distiller

vectors = st.lists(st.floats(-5, 5), min_size=3, max_size=3)


def distiller(teacher: nn.Module, temperature: float = 4.0) -> Distiller:
    return built(Logits(teacher="runs/teacher", temperature=temperature, weight=0.9), nn.Identity(), teacher)


def value(teacher: Tensor, student: Tensor, temperature: float) -> Tensor:
    """The term when the teacher says its inputs."""
    return of_answers(Logits(teacher="runs/teacher", temperature=temperature, weight=0.9), teacher, student)


def test_returns_the_terms_that_it_lists() -> None:
    answer = Answer(prediction=torch.zeros(2, 3), features={})
    assert tuple(distiller(nn.Identity()).terms(torch.zeros(2, 3), answer, torch.zeros(2))) == Logits.terms


def by_definition(z: list[float], f: list[float], temperature: float) -> float:
    def softmax(v: list[float]) -> list[float]:
        e = [math.exp(x / temperature) for x in v]
        return [x / sum(e) for x in e]

    return temperature**2 * sum(p * math.log(p / q) for p, q in zip(softmax(z), softmax(f), strict=True))


@settings(deadline=None, max_examples=25)
@given(z=vectors, f=vectors, temperature=st.floats(0.5, 20))
def test_agrees_with_its_definition(z: list[float], f: list[float], temperature: float) -> None:
    teacher, student = torch.tensor([z], dtype=torch.float64), torch.tensor([f], dtype=torch.float64)
    assert value(teacher, student, temperature).item() == pytest.approx(by_definition(z, f, temperature), abs=1e-9)


@settings(deadline=None, max_examples=25)
@given(z=st.floats(-5, 5), f=st.floats(-5, 5), temperature=st.floats(0.5, 20))
def test_one_logit_is_two_classes(z: float, f: float, temperature: float) -> None:
    teacher, student = torch.tensor([z], dtype=torch.float64), torch.tensor([f], dtype=torch.float64)
    expected = by_definition([0.0, z], [0.0, f], temperature)
    assert value(teacher, student, temperature).item() == pytest.approx(expected, abs=1e-9)


@settings(deadline=None, max_examples=25)
@given(z=vectors, f=vectors)
def test_a_high_temperature_compares_centred_logits(z: list[float], f: list[float]) -> None:
    teacher, student = torch.tensor([z], dtype=torch.float64), torch.tensor([f], dtype=torch.float64)
    student.requires_grad_()
    difference = (student - student.mean()) - (teacher - teacher.mean())
    limit = difference.detach().square().mean() / 2
    divergence = value(teacher, student, 1e4)
    divergence.sum().backward()
    torch.testing.assert_close(divergence.detach(), limit.view(1), atol=1e-2, rtol=1e-2)
    torch.testing.assert_close(student.grad, difference.detach() / 3, atol=1e-2, rtol=1e-2)


def test_a_teacher_that_agrees_has_nothing_to_teach() -> None:
    logits = torch.tensor([[1.0, -2.0, 300.0], [0.0, 0.0, 0.0]])
    assert value(logits, logits.clone(), 2.0).tolist() == [0.0, 0.0]
    assert value(logits.bfloat16(), logits.bfloat16(), 2.0).dtype == torch.float32


def test_the_teacher_is_a_guest() -> None:
    teacher = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3), nn.Dropout(0.5)).train()
    before = {name: entry.clone() for name, entry in teacher.state_dict().items()}
    taught = distiller(teacher)
    student = nn.ModuleDict({"distiller": taught, "network": nn.Linear(3, 3)}).train()
    inputs = torch.randn(8, 3)
    prediction = student["network"](inputs)
    first = taught.terms(inputs, Answer(prediction=prediction, features={}), torch.zeros(8))["logits"]
    again = taught.terms(inputs, Answer(prediction=prediction, features={}), torch.zeros(8))["logits"]
    first.mean().backward()
    assert first.shape == (8,)
    assert torch.equal(first, again)
    assert taught.state_dict() == {}
    assert not list(taught.parameters())
    assert not any(module.training for module in teacher.modules())
    assert all(parameter.grad is None for parameter in teacher.parameters())
    assert all(parameter.grad is not None for parameter in student.parameters())
    assert all(torch.equal(entry, before[name]) for name, entry in teacher.state_dict().items())


GOOD: dict[str, Any] = {"teacher": "runs/teacher", "temperature": 4.0, "weight": 0.9}


@pytest.mark.parametrize("bad", [{"temperature": 0.0}, {"weight": 0.0}, {"weight": 1.0}, {"teacher": 3}])
def test_refuses(bad: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match=next(iter(bad))):
        Logits(**{**GOOD, **bad})


@pytest.mark.parametrize("nobody", [None, "", " "])
def test_refuses_no_teacher(nobody: str | None) -> None:
    with pytest.raises(ValidationError, match=r"needs a teacher.*distillation\.NAME\.teacher=RUN"):
        Logits(**{**GOOD, "teacher": nobody})
