"""Lion against its formula in plain floats, its own law and bad values."""

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from torch import nn

from temper.optimizer.lion import Lion

Check = Callable[..., Any]
GOOD = {"lr": 0.0003, "beta1": 0.9, "beta2": 0.99, "weight_decay": 0.0}


def by_the_formula(
    w: float, g: float, state: dict, *, lr: float, beta1: float, beta2: float, weight_decay: float
) -> float:
    c = beta1 * state.get("m", 0.0) + (1 - beta1) * g
    state["m"] = beta2 * state.get("m", 0.0) + (1 - beta2) * g
    return w - lr * (math.copysign(1.0, c) * (c != 0) + weight_decay * w)


# On the quadratic a gradient may all but vanish, where its sign is chance; a rate off the grid keeps away from that.
@settings(deadline=None, max_examples=25)
@given(
    lr=st.sampled_from([0.0031, 0.0173, 0.0571, 0.1937]),
    weight_decay=st.floats(0, 0.5),
    beta1=st.floats(0, 0.99),
    beta2=st.floats(0, 0.99),
)
def test_follows_the_formula_on_a_quadratic(follows_on_a_quadratic: Check, **knobs: float) -> None:
    follows_on_a_quadratic(Lion, by_the_formula, knobs)


def test_follows_the_formula_on_a_small_net(follows_on_a_small_net: Check) -> None:
    follows_on_a_small_net(Lion, by_the_formula, GOOD)


def test_keeps_the_dtype(keeps_the_dtype: Check) -> None:
    keeps_the_dtype(Lion, GOOD)


@settings(deadline=None, max_examples=25)
@given(slopes=st.lists(st.floats(-1e3, 1e3).filter(lambda slope: abs(slope) > 1e-6), min_size=1, max_size=6))
def test_every_first_step_is_as_long_as_the_rate(group: Check, slopes: list[float]) -> None:
    weight = nn.Parameter(torch.zeros(len(slopes), dtype=torch.float64))
    weight.grad = torch.tensor(slopes, dtype=torch.float64)
    gradient = weight.grad.clone()
    Lion(**GOOD).build([group(weight)]).step()
    assert weight.tolist() == pytest.approx([-0.0003 * math.copysign(1, slope) for slope in slopes], abs=1e-15)
    assert torch.equal(weight.grad, gradient)


@pytest.mark.parametrize(
    ("knob", "value", "message"),
    [
        ("lr", 0.0, "greater than 0"),
        ("lr", float("inf"), "finite"),
        ("lr", True, "valid number"),
        ("weight_decay", -1e-9, "greater than or equal to 0"),
        ("beta1", 1.0, "less than 1"),
        ("beta1", -1e-9, "greater than or equal to 0"),
        ("beta2", 1.0, "less than 1"),
        ("beta2", -1e-9, "greater than or equal to 0"),
    ],
)
def test_refuses(knob: str, value: float, message: str) -> None:
    with pytest.raises(ValidationError, match=f"(?s){knob}.*{message}"):
        Lion(**{**GOOD, knob: value})
