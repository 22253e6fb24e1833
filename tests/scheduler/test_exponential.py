"""Exponential decay against torch's own and against step decay, on the house's clock, and bad values."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from temper.quantity import Clock
from temper.scheduler.exponential import Exponential
from temper.scheduler.step import Step


@settings(deadline=None, max_examples=25)
@given(gamma=st.floats(0.5, 1))
def test_equals_torch(torch_rates, gamma: float) -> None:
    theirs = torch_rates(torch.optim.lr_scheduler.ExponentialLR, 50, gamma)
    ours = Exponential(warmup=0, every="1steps", gamma=gamma)
    assert [ours.warmed_factor(step, Clock((0, 20, 40))) for step in range(50)] == pytest.approx(theirs, abs=1e-12)


@settings(deadline=None, max_examples=25)
@given(sizes=st.lists(st.integers(1, 9), min_size=1, max_size=8), every=st.integers(1, 3), gamma=st.floats(0.05, 1))
def test_meets_step_decay_where_stretches_end(sizes: list[int], every: int, gamma: float) -> None:
    clock = Clock(tuple(sum(sizes[:end]) for end in range(len(sizes) + 1)))
    smooth = Exponential(warmup=0, every=f"{every}epochs", gamma=gamma)
    stairs = Step(warmup=0, every=f"{every}epochs", gamma=gamma)
    for epoch in range(0, len(sizes), every):
        start = clock.start(epoch)
        assert smooth.factor(start, clock) == pytest.approx(stairs.factor(start, clock), abs=1e-12)
    factors = [smooth.factor(step, clock) for step in range(clock.total_steps)]
    assert factors == sorted(factors, reverse=True)
    assert all(factor <= stairs.factor(step, clock) + 1e-12 for step, factor in enumerate(factors))


def test_loses_the_same_share_in_the_same_time() -> None:
    ours, clock = Exponential(warmup="20steps", every="30%", gamma=0.1), Clock((0, 120))
    assert [ours.warmed_factor(step, clock) for step in (20, 50, 65, 80)] == pytest.approx([1, 0.1, 10**-1.5, 0.01])


@pytest.mark.parametrize(
    ("knob", "value", "message"),
    [
        ("every", "0epochs", "every must be longer than 0.*scheduler=constant"),
        ("gamma", 0.0, "greater than 0"),
        ("gamma", 1.0000001, "less than or equal to 1"),
    ],
)
def test_refuses(knob: str, value: object, message: str) -> None:
    with pytest.raises(ValidationError, match=f"(?s){message}"):
        Exponential(**{"warmup": 0, "every": "30%", "gamma": 0.1, knob: value})
