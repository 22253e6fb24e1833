"""Momentum against its formula in plain floats, the textbook's form and bad values."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from torch import nn

from temper.optimizer.momentum import Momentum

Check = Callable[..., Any]
GOOD = {"lr": 0.05, "momentum": 0.9, "weight_decay": 0.0}


def by_the_formula(w: float, g: float, state: dict, *, lr: float, momentum: float, weight_decay: float) -> float:
    state["v"] = momentum * state.get("v", 0.0) + g + weight_decay * w
    return w - lr * state["v"]


@settings(deadline=None, max_examples=25)
@given(lr=st.floats(1e-3, 0.2), weight_decay=st.floats(0, 0.5), momentum=st.floats(0, 0.99))
def test_follows_the_formula_on_a_quadratic(
    follows_on_a_quadratic: Check, lr: float, weight_decay: float, momentum: float
) -> None:
    follows_on_a_quadratic(Momentum, by_the_formula, {"lr": lr, "weight_decay": weight_decay, "momentum": momentum})


def test_follows_the_formula_on_a_small_net(follows_on_a_small_net: Check) -> None:
    follows_on_a_small_net(Momentum, by_the_formula, GOOD)


def test_keeps_the_dtype(keeps_the_dtype: Check) -> None:
    keeps_the_dtype(Momentum, GOOD)


@settings(deadline=None, max_examples=25)
@given(lr=st.floats(1e-3, 0.1), momentum=st.floats(0, 0.99))
def test_equals_the_textbook_at_a_constant_rate(group: Check, lr: float, momentum: float) -> None:
    weight = nn.Parameter(torch.tensor([0.7], dtype=torch.float64))
    optimizer = Momentum(lr=lr, momentum=momentum, weight_decay=0.0).build([group(weight)])
    expected, velocity = 0.7, 0.0
    for _ in range(12):
        weight.grad = 3.0 * weight.detach()
        optimizer.step()
        velocity = momentum * velocity + lr * 3.0 * expected
        expected -= velocity
        assert weight.item() == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    ("knob", "value", "message"),
    [
        ("lr", 0.0, "greater than 0"),
        ("lr", float("inf"), "finite"),
        ("lr", True, "valid number"),
        ("weight_decay", -1e-9, "greater than or equal to 0"),
        ("momentum", 1.0, "less than 1"),
        ("momentum", -1e-9, "greater than or equal to 0"),
    ],
)
def test_refuses(knob: str, value: float, message: str) -> None:
    with pytest.raises(ValidationError, match=f"(?s){knob}.*{message}"):
        Momentum(**{**GOOD, knob: value})
