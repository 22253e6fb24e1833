"""Distillation of standardised logits in plain floats, and what a shift or a factor of logits changes: nothing."""

import math
import statistics
from typing import Any

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tests.distillation.conftest import FRACTION, NOBODY, of_answers, refuses
from torch import Tensor

from temper.distillation.standardized_logits import StandardizedLogits

GOOD: dict[str, Any] = {"teacher": "a/run", "temperature": 2.0, "weight": 0.9}
vectors = st.lists(st.floats(-5, 5), min_size=4, max_size=4)


def by_definition(z: list[float], f: list[float], temperature: float) -> float:
    def probabilities(v: list[float]) -> list[float]:
        mean, deviation = statistics.fmean(v), statistics.pstdev(v)
        e = [math.exp((each - mean) / deviation / temperature) for each in v]
        return [each / sum(e) for each in e]

    pairs = zip(probabilities(z), probabilities(f), strict=True)
    return temperature**2 * sum(p * math.log(p / q) for p, q in pairs)


def doubles(values: list[float]) -> Tensor:
    return torch.tensor([values], dtype=torch.float64)


@settings(deadline=None, max_examples=25)
@given(z=vectors, f=vectors, temperature=st.floats(0.5, 20))
def test_agrees_with_its_definition(z: list[float], f: list[float], temperature: float) -> None:
    assume(min(statistics.pstdev(z), statistics.pstdev(f)) > 1e-3)
    value = of_answers(StandardizedLogits(**{**GOOD, "temperature": temperature}), doubles(z), doubles(f))
    assert value.item() == pytest.approx(by_definition(z, f, temperature), abs=1e-9)


@settings(deadline=None, max_examples=25)
@given(z=vectors, f=vectors, factor=st.floats(0.1, 100), shift=st.floats(-50, 50))
def test_only_how_logits_relate_counts(z: list[float], f: list[float], factor: float, shift: float) -> None:
    assume(min(statistics.pstdev(z), statistics.pstdev(f)) > 1e-2)
    record, taught, learned = StandardizedLogits(**GOOD), doubles(z), doubles(f)
    value = of_answers(record, taught, learned)
    torch.testing.assert_close(of_answers(record, taught, factor * learned + shift), value, atol=1e-9, rtol=1e-6)
    torch.testing.assert_close(of_answers(record, factor * taught + shift, learned), value, atol=1e-9, rtol=1e-6)
    torch.testing.assert_close(of_answers(record, taught, factor * taught + shift), 0 * value, atol=1e-9, rtol=0)


def test_equal_logits_are_no_infinity() -> None:
    taught, learned = torch.tensor([[1.0, 2.0, 4.0], [3.0, 3.0, 3.0]]), torch.zeros(2, 3, requires_grad=True)
    value = of_answers(StandardizedLogits(**GOOD), taught, learned)
    (gradient,) = torch.autograd.grad(value.sum(), learned)
    assert value[0].item() > 0.1
    assert value[1].item() == pytest.approx(0.0, abs=1e-6)
    assert gradient[0, 2] < 0 < gradient[0, 0]
    assert bool(gradient.isfinite().all())


@pytest.mark.parametrize("value", [0.1, 0.3, 1.3, 1e4])
def test_logits_that_are_equal_but_for_rounding_are_equal(value: float) -> None:
    taught, learned = torch.randn(1, 10), torch.full((1, 10), value, requires_grad=True)
    (gradient,) = torch.autograd.grad(of_answers(StandardizedLogits(**GOOD), taught, learned).sum(), learned)
    assert gradient.abs().max() < 100  # where σ is taken for 1e-8, it is 1e6


def test_the_gradient_is_that_of_the_value() -> None:
    generator = torch.Generator().manual_seed(0)
    taught, learned = (torch.randn(5, 4, dtype=torch.float64, generator=generator) for _ in range(2))
    record = StandardizedLogits(**GOOD)
    assert torch.autograd.gradcheck(lambda logits: of_answers(record, taught, logits), learned.requires_grad_())


@pytest.mark.parametrize("bad", [{"temperature": 0.0}, *FRACTION, *NOBODY])
def test_refuses(bad: dict[str, Any]) -> None:
    refuses(StandardizedLogits, GOOD, bad)
