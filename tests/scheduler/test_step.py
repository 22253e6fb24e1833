"""Step decay against torch's own, in every unit, and bad values."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from temper.quantity import Clock
from temper.scheduler.exponential import Exponential
from temper.scheduler.step import Step


@settings(deadline=None, max_examples=25)
@given(every=st.integers(1, 20), gamma=st.floats(0.01, 1))
def test_equals_torch(every: int, gamma: float) -> None:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    theirs = torch.optim.lr_scheduler.StepLR(optimizer, every, gamma)
    ours = Step(warmup=0, every=f"{every}steps", gamma=gamma)
    for step in range(50):
        assert ours.warmed_factor(step, Clock((0, 20, 40))) == pytest.approx(theirs.get_last_lr()[0], abs=1e-12)
        optimizer.step()
        theirs.step()


def falls(ours: Step, clock: Clock, start: int = 0) -> list[int]:
    factors = [ours.warmed_factor(step, clock) for step in range(start, clock.total_steps)]
    return [start + at for at in range(1, len(factors)) if factors[at] < factors[at - 1]]


@settings(deadline=None, max_examples=25)
@given(steps=st.integers(1, 30), epochs=st.integers(1, 9), every=st.integers(1, 3))
def test_epochs_are_the_clock_s(steps: int, epochs: int, every: int) -> None:
    clock = Clock(tuple(range(0, steps * epochs + 1, steps)))
    by_epoch = Step(warmup=0, every=f"{every}epochs", gamma=0.5)
    by_step = Step(warmup=0, every=f"{every * steps}steps", gamma=0.5)
    both = [(by_epoch.factor(step, clock), by_step.factor(step, clock)) for step in range(clock.total_steps + steps)]
    assert [one for one, _ in both] == [other for _, other in both]


def test_epochs_that_shrink_and_shares_of_an_epoch() -> None:
    clock = Clock((0, 10, 15, 20, 22))
    assert falls(Step(warmup=0, every="1epochs", gamma=0.5), clock) == [10, 15, 20]
    assert falls(Step(warmup=0, every="2epochs", gamma=0.5), clock) == [15]
    assert falls(Step(warmup=0, every="0.1epochs", gamma=0.9), Clock((0, 10))) == list(range(1, 10))


def test_epochs_that_a_warm_up_took_are_no_stretch() -> None:
    clock = Clock((0, 10, 20, 30, 40, 50))
    assert falls(Step(warmup="20steps", every="1epochs", gamma=0.5), clock, start=20) == [30, 40]
    assert falls(Step(warmup="15steps", every="1epochs", gamma=0.5), clock, start=15) == [20, 30, 40]
    assert Step(warmup="15steps", every="1epochs", gamma=0.5).warmed_factor(15, clock) == 1.0


def test_shares_are_of_what_follows_the_warm_up() -> None:
    assert falls(Step(warmup="20steps", every="30%", gamma=0.1), Clock((0, 120)), start=20) == [50, 80, 110]


@pytest.mark.parametrize("steps", [15, 45, 1000, 1004])
def test_shares_end_with_the_run(steps: int) -> None:
    """A share need not be whole steps: rounded to them, the stretches would end before the run."""
    step, smooth = (kind(warmup=0, every="10%", gamma=0.5) for kind in (Step, Exponential))
    clock = Clock((0, steps))
    assert step.factor(steps - 1, clock) == 0.5**9
    for taken in range(steps):
        assert smooth.factor(taken, clock) <= step.factor(taken, clock) * (1 + 1e-9)


def test_a_share_of_less_than_a_step_is_a_step() -> None:
    assert Step(warmup=0, every="1%", gamma=0.5).factor(2, Clock((0, 4))) == 0.25


@pytest.mark.parametrize("every", ["3steps", "1epochs", "50%"])
def test_a_warm_up_may_take_the_whole_run(every: str) -> None:
    ours = Step(warmup="100%", every=every, gamma=0.5)
    assert [ours.warmed_factor(step, Clock((0, 2, 4))) for step in range(5)] == [0.25, 0.5, 0.75, 1.0, 1.0]


@pytest.mark.parametrize(
    ("knob", "value", "message"),
    [
        ("every", "0", "every must be longer than 0.*scheduler=constant"),
        ("every", "0%", "every must be longer than 0.*scheduler=constant"),
        ("every", 30, "length with its unit"),
        ("gamma", 0.0, "greater than 0"),
        ("gamma", 1.0000001, "less than or equal to 1"),
    ],
)
def test_refuses(knob: str, value: object, message: str) -> None:
    with pytest.raises(ValidationError, match=f"(?s){message}"):
        Step(**{"warmup": 0, "every": "30%", "gamma": 0.1, knob: value})
