"""Polynomial decay against torch's own, its limits, and bad values."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from temper.quantity import Clock
from temper.scheduler.polynomial import Polynomial

GOOD = {"warmup": 0, "length": "100%", "power": 2.0, "final_factor": 0.0}


@settings(deadline=None, max_examples=25)
@given(length=st.integers(1, 60), power=st.floats(0.2, 4))
def test_equals_torch(torch_rates, length: int, power: float) -> None:
    theirs = torch_rates(torch.optim.lr_scheduler.PolynomialLR, 70, length, power)
    whole = Polynomial(**{**GOOD, "power": power})
    cut = Polynomial(**{**GOOD, "power": power, "length": f"{length}steps"})
    for step in range(70):
        assert whole.warmed_factor(step, Clock((0, length))) == pytest.approx(theirs[step], abs=1e-9)
        assert cut.warmed_factor(step, Clock((0, 99))) == whole.warmed_factor(step, Clock((0, length)))


@settings(deadline=None, max_examples=25)
@given(total=st.integers(1, 60), power=st.floats(0.1, 5), final=st.floats(0, 1))
def test_falls_to_its_end_and_stays(total: int, power: float, final: float) -> None:
    ours, clock = Polynomial(**{**GOOD, "power": power, "final_factor": final}), Clock((0, total))
    factors = [ours.factor(step, clock) for step in range(total + 9)]
    assert factors == sorted(factors, reverse=True)
    assert (factors[0], factors[total], factors[-1]) == (pytest.approx(1.0), final, final)


def test_in_plain_floats_on_a_clock_whose_epochs_shrink() -> None:
    ours = Polynomial(warmup=0, length="2epochs", power=2.0, final_factor=0.1)
    factors = [ours.factor(step, Clock((0, 6, 8, 9))) for step in (0, 2, 4, 6, 8, 9)]
    assert factors == pytest.approx([1.0, 0.1 + 0.9 * 0.5625, 0.325, 0.1 + 0.9 * 0.0625, 0.1, 0.1])


@pytest.mark.parametrize(
    ("knob", "value", "message"),
    [
        ("length", "0steps", "length must be longer than 0.*scheduler=constant"),
        ("power", 0.0, "greater than 0"),
        ("power", float("inf"), "finite"),
        ("final_factor", -1e-9, "greater than or equal to 0"),
        ("final_factor", 1.0000001, "less than or equal to 1"),
    ],
)
def test_refuses(knob: str, value: object, message: str) -> None:
    with pytest.raises(ValidationError, match=f"(?s){message}"):
        Polynomial(**{**GOOD, knob: value})
