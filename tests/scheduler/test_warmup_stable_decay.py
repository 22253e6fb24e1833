"""The trapezoid against its closed form, on clocks whose epochs differ, its limits, and bad values."""

import math
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from temper.quantity import Clock
from temper.scheduler.warmup_stable_decay import WarmupStableDecay

GOOD = {"warmup": "5%", "decay": "20%", "shape": "sqrt", "final_factor": 0.0}


def test_is_a_trapezoid() -> None:
    ours, clock = WarmupStableDecay(warmup="20steps", decay="25%", shape="linear", final_factor=0.2), Clock((0, 100))
    # 80 steps follow the warm-up, and the last 20 of them fall from 1 to 0.2.
    expected = [(step + 1) / 20 for step in range(20)] + [1.0] * 60 + [1 - 0.8 * step / 20 for step in range(20)]
    assert [ours.warmed_factor(step, clock) for step in range(100)] == pytest.approx(expected, abs=1e-12)
    assert ours.warmed_factor(100, clock) == 0.2


@pytest.mark.parametrize(
    ("shape", "heights"),
    [
        ("linear", [1, 0.75, 0.5, 0.25]),
        ("sqrt", [1, 0.5, 1 - 0.5**0.5, 1 - 0.75**0.5]),
        ("cosine", [1, (1 + 0.5**0.5) / 2, 0.5, (1 - 0.5**0.5) / 2]),
    ],
)
def test_shapes_in_plain_floats(shape: str, heights: list[float]) -> None:
    ours = WarmupStableDecay(warmup=0, decay="4steps", shape=shape, final_factor=0.0)
    assert [ours.factor(step, Clock((0, 10))) for step in range(6, 10)] == pytest.approx(heights, abs=1e-12)
    assert [ours.factor(step, Clock((0, 10))) for step in range(7)] == [1.0] * 7


def test_epochs_are_counted_from_the_end() -> None:
    clock = Clock((0, 10, 15, 20, 22))
    for decay, stable in (("1epochs", 20), ("2epochs", 15), ("1.5epochs", 18), ("4epochs", 0), ("9epochs", 0)):
        ours = WarmupStableDecay(warmup=0, decay=decay, shape="linear", final_factor=0.0)
        factors = [ours.factor(step, clock) for step in range(22)]
        assert factors[: stable + 1] == [1.0] * (stable + 1)
        assert factors[stable:] == pytest.approx([1 - at / (22 - stable) for at in range(22 - stable)], abs=1e-12)


@settings(deadline=None, max_examples=30)
@given(
    total=st.integers(1, 60),
    decay=st.integers(1, 80),
    shape=st.sampled_from(["linear", "sqrt", "cosine"]),
    final=st.floats(0, 1),
)
def test_stays_and_then_only_falls(total: int, decay: int, shape: str, final: float) -> None:
    ours = WarmupStableDecay(warmup=0, decay=f"{decay}steps", shape=shape, final_factor=final)
    factors = [ours.factor(step, Clock((0, total))) for step in range(total + 3)]
    assert all(final - 1e-12 <= factor <= 1 + 1e-12 for factor in factors)
    assert all(after <= before + 1e-12 for before, after in pairwise(factors))
    assert factors[-1] == final
    assert math.isclose(factors[max(0, total - decay)], 1.0)


@pytest.mark.parametrize(
    ("knob", "value", "message"),
    [
        ("decay", "0epochs", "decay must be longer than 0.*scheduler=constant"),
        ("decay", "101%", "at most 100%"),
        ("shape", "square", "'linear', 'sqrt' or 'cosine'"),
        ("final_factor", -1e-9, "greater than or equal to 0"),
        ("final_factor", 1.0000001, "less than or equal to 1"),
    ],
)
def test_refuses(knob: str, value: object, message: str) -> None:
    with pytest.raises(ValidationError, match=f"(?s){message}"):
        WarmupStableDecay(**{**GOOD, knob: value})
