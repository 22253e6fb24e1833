"""Warm restarts against torch's own, on clocks whose epochs differ, and bad values."""

import math
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from temper.quantity import Clock
from temper.scheduler.cosine import Cosine
from temper.scheduler.cosine_restarts import CosineRestarts

GOOD = {"warmup": 0, "first": "25%", "multiply": 1, "final_factor": 0.0}


@settings(deadline=None, max_examples=30)
@given(first=st.integers(1, 25), multiply=st.integers(1, 4), final=st.floats(0, 1))
def test_equals_torch(torch_rates, first: int, multiply: int, final: float) -> None:
    theirs = torch_rates(
        torch.optim.lr_scheduler.CosineAnnealingWarmRestarts, 120, T_0=first, T_mult=multiply, eta_min=final
    )
    ours = CosineRestarts(warmup=0, first=f"{first}steps", multiply=multiply, final_factor=final)
    assert [ours.warmed_factor(step, Clock((0, 99))) for step in range(120)] == pytest.approx(theirs, abs=1e-12)


@settings(deadline=None, max_examples=30)
@given(sizes=st.lists(st.integers(1, 9), min_size=1, max_size=12), first=st.integers(1, 3), multiply=st.integers(1, 3))
def test_equals_torch_in_parts_of_epochs(sizes: list[int], first: int, multiply: int) -> None:
    clock = Clock(tuple(sum(sizes[:end]) for end in range(len(sizes) + 1)))
    ours = CosineRestarts(warmup=0, first=f"{first}epochs", multiply=multiply, final_factor=0.1)
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    theirs = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, first, multiply, eta_min=0.1)
    optimizer.step()
    for epoch, size in enumerate(sizes):
        for at in range(size):
            theirs.step(epoch + at / size)
            assert ours.factor(clock.start(epoch) + at, clock) == pytest.approx(theirs.get_last_lr()[0], abs=1e-9)


@settings(deadline=None, max_examples=25)
@given(total=st.integers(16, 400), cycles=st.sampled_from([1, 2, 4, 5, 8]))  # a cycle of one step cannot fall
def test_cycles_that_are_shares_end_with_the_run(total: int, cycles: int) -> None:
    ours, clock = CosineRestarts(**{**GOOD, "first": f"{100 / cycles}%"}), Clock((0, total))
    factors = [ours.factor(step, clock) for step in range(total)]
    rises = sum(after > before for before, after in pairwise(factors))
    assert rises == cycles - 1
    assert factors[-1] == pytest.approx((1 + math.cos(math.pi * (1 - cycles / total))) / 2, abs=1e-9)
    assert all(0 <= factor <= 1 for factor in factors)


def test_a_single_cycle_is_the_cosine() -> None:
    ours, cosine = CosineRestarts(**{**GOOD, "first": "100%"}), Cosine(warmup=0, final_factor=0.0)
    for step in range(30):
        assert ours.factor(step, Clock((0, 30))) == pytest.approx(cosine.factor(step, Clock((0, 30))), abs=1e-12)


@pytest.mark.parametrize(
    ("knob", "value", "message"),
    [
        ("first", "0steps", "first must be longer than 0.*scheduler=cosine"),
        ("multiply", 0, "greater than 0"),
        ("multiply", 1.5, "valid integer"),
        ("final_factor", -1e-9, "greater than or equal to 0"),
        ("final_factor", 1.0000001, "less than or equal to 1"),
    ],
)
def test_refuses(knob: str, value: object, message: str) -> None:
    with pytest.raises(ValidationError, match=f"(?s){message}"):
        CosineRestarts(**{**GOOD, knob: value})
