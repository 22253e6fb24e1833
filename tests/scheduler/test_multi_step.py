"""Step decay at named moments against torch's own, on the house's clock, and bad values."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from temper.quantity import Clock
from temper.scheduler.multi_step import MultiStep


@settings(deadline=None, max_examples=25)
@given(milestones=st.sets(st.integers(1, 45), min_size=1, max_size=5), gamma=st.floats(0.01, 1))
def test_equals_torch(torch_rates, milestones: set[int], gamma: float) -> None:
    moments = sorted(milestones)
    theirs = torch_rates(torch.optim.lr_scheduler.MultiStepLR, 50, moments, gamma)
    ours = MultiStep(warmup=0, milestones=[f"{each}steps" for each in moments], gamma=gamma)
    assert [ours.warmed_factor(step, Clock((0, 20, 40))) for step in range(50)] == pytest.approx(theirs, abs=1e-12)


def falls(ours: MultiStep, clock: Clock, start: int = 0) -> list[int]:
    factors = [ours.warmed_factor(step, clock) for step in range(start, clock.total_steps)]
    assert factors == sorted(factors, reverse=True)
    return [start + at for at in range(1, len(factors)) if factors[at] < factors[at - 1]]


def test_epochs_that_shrink_and_shares() -> None:
    clock = Clock((0, 10, 15, 20, 22))
    assert falls(MultiStep(warmup=0, milestones=["1epochs", "3epochs"], gamma=0.5), clock) == [10, 20]
    assert falls(MultiStep(warmup=0, milestones=["50%", "3.5epochs"], gamma=0.5), clock) == [11, 21]
    assert falls(MultiStep(warmup=0, milestones=["50%", "9epochs"], gamma=0.5), clock) == [11]


def test_a_share_of_a_very_short_run_is_a_step_at_least() -> None:
    short = Clock((0, 1))
    ours = MultiStep(warmup="0", milestones=("10%", "50%"), gamma=0.1)
    assert [ours.factor(step, short) for step in (0, 1)] == [1.0, pytest.approx(0.01)]


def test_milestones_are_counted_from_the_end_of_the_warm_up() -> None:
    ours = MultiStep(warmup="20steps", milestones=["50%", "70steps", "8epochs"], gamma=0.5)
    assert falls(ours, Clock(tuple(range(0, 130, 10))), start=20) == [70, 90, 100]
    assert MultiStep(warmup="100%", milestones=["1epochs"], gamma=0.5).warmed_factor(4, Clock((0, 2, 4))) == 0.5


@pytest.mark.parametrize(
    ("knob", "value", "message"),
    [
        ("milestones", [], "milestones must name at least one.*scheduler=constant"),
        ("milestones", ["0%", "50%"], "milestones must be longer than 0.*optimizer.lr"),
        ("milestones", ["50%", "50%"], "milestones must rise, and 50% follows 50%"),
        ("milestones", ["9epochs", "3epochs"], "milestones must rise, and 3epoch follows 9epoch"),
        ("milestones", [30, 60], "length with its unit"),
        ("gamma", 0.0, "greater than 0"),
        ("gamma", 1.0000001, "less than or equal to 1"),
    ],
)
def test_refuses(knob: str, value: object, message: str) -> None:
    with pytest.raises(ValidationError, match=f"(?s){message}"):
        MultiStep(**{"warmup": 0, "milestones": ["50%"], "gamma": 0.1, knob: value})
