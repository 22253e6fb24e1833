"""Decoupled distillation against its two divergences in plain floats, and against what it decouples."""

import math
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.distillation.conftest import FRACTION, NOBODY, of_answers, refuses
from torch import Tensor

from temper.distillation.dkd import DKD, others_divergence, target_divergence
from temper.distillation.logits import Logits

GOOD: dict[str, Any] = {"teacher": "a/run", "temperature": 4.0, "alpha": 1.0, "beta": 8.0, "weight": 0.5}
vectors = st.lists(st.floats(-5, 5), min_size=4, max_size=4)


def softmax(values: list[float]) -> list[float]:
    e = [math.exp(value) for value in values]
    return [each / sum(e) for each in e]


def kl(p: list[float], q: list[float]) -> float:
    return sum(a * math.log(a / b) for a, b in zip(p, q, strict=True))


def both(z: list[float], f: list[float], t: int, temperature: float) -> tuple[float, float, float]:
    """TCKD, NCKD and p_t."""
    p, q = (softmax([value / temperature for value in logits]) for logits in (z, f))
    among = [[each / (1 - all_[t]) for j, each in enumerate(all_) if j != t] for all_ in (p, q)]
    return kl([p[t], 1 - p[t]], [q[t], 1 - q[t]]), kl(*among), p[t]


def doubles(values: list[float]) -> Tensor:
    return torch.tensor([values], dtype=torch.float64)


@settings(deadline=None, max_examples=25)
@given(z=vectors, f=vectors, t=st.integers(0, 3), temperature=st.floats(0.5, 20), alpha=st.floats(0.1, 9))
def test_agrees_with_its_definition(z: list[float], f: list[float], t: int, temperature: float, alpha: float) -> None:
    sure, others, _ = both(z, f, t, temperature)
    record = DKD(**{**GOOD, "temperature": temperature, "alpha": alpha, "beta": 3.0})
    value = of_answers(record, doubles(z), doubles(f), torch.tensor([t]))
    assert value.item() == pytest.approx(temperature**2 * (alpha * sure + 3.0 * others), abs=1e-9)


@settings(deadline=None, max_examples=25)
@given(z=vectors, f=vectors, t=st.integers(0, 3), temperature=st.floats(0.5, 20))
def test_recombined_it_is_what_logits_takes(z: list[float], f: list[float], t: int, temperature: float) -> None:
    taught, learned, target = doubles(z), doubles(f), torch.tensor([t])
    softened = taught / temperature, learned / temperature
    known = softened[0].softmax(1)[0, t]
    whole = target_divergence(*softened, target) + (1 - known) * others_divergence(*softened, target)
    kd = of_answers(Logits(teacher="a/run", temperature=temperature, weight=0.9), taught, learned)
    assert temperature**2 * whole.item() == pytest.approx(kd.item(), abs=1e-9)


def test_example_by_example_and_not_in_the_mean() -> None:
    """With one factor for the whole batch it would be another number."""
    generator = torch.Generator().manual_seed(0)
    taught, learned = (torch.randn(6, 4, dtype=torch.float64, generator=generator) * 3 for _ in range(2))
    target = torch.arange(6) % 4
    sure, others = target_divergence(taught, learned, target), others_divergence(taught, learned, target)
    known = taught.softmax(1).gather(1, target[:, None]).squeeze(1)
    kd = of_answers(Logits(teacher="a/run", temperature=1.0, weight=0.9), taught, learned)
    torch.testing.assert_close(sure + (1 - known) * others, kd)
    assert abs((sure.mean() + (1 - known).mean() * others.mean() - kd.mean()).item()) > 1e-3


def test_a_teacher_that_is_sure_still_ranks_the_others() -> None:
    taught = torch.tensor([[60.0, 1.0, 0.0, -1.0]])
    learned = torch.tensor([[40.0, 0.0, 0.0, 0.0]], requires_grad=True)
    value = others_divergence(taught, learned, torch.tensor([0]))
    exact = others_divergence(taught.double(), learned.double(), torch.tensor([0]))
    assert value.item() == pytest.approx(exact.item(), rel=1e-5)
    assert value.item() == pytest.approx(kl(softmax([1.0, 0.0, -1.0]), [1 / 3] * 3), rel=1e-5)
    (gradient,) = torch.autograd.grad(of_answers(DKD(**GOOD), taught, learned).sum(), learned)
    assert bool(gradient.isfinite().all())
    assert gradient[0, 1] < 0 < gradient[0, 3]


def test_the_gradient_is_that_of_the_value() -> None:
    generator = torch.Generator().manual_seed(0)
    taught, learned = (torch.randn(5, 4, dtype=torch.float64, generator=generator) for _ in range(2))
    target = torch.arange(5) % 4
    assert torch.autograd.gradcheck(
        lambda logits: of_answers(DKD(**GOOD), taught, logits, target), learned.requires_grad_()
    )


def test_agreement_costs_nothing() -> None:
    logits = torch.tensor([[1.0, -2.0, 300.0], [0.0, 0.0, 0.0]])
    assert of_answers(DKD(**GOOD), logits, logits.clone(), torch.tensor([2, 0])).tolist() == [0.0, 0.0]


@pytest.mark.parametrize("bad", [{"temperature": 0.0}, {"alpha": 0.0}, {"beta": 0.0}, *FRACTION, *NOBODY])
def test_refuses(bad: dict[str, Any]) -> None:
    refuses(DKD, GOOD, bad)
