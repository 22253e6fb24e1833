"""Adamax against its formula in plain floats, its own law and bad values."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from torch import nn

from temper.optimizer.adamax import Adamax

Check = Callable[..., Any]
GOOD = {"lr": 0.002, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "weight_decay": 0.0}


def by_the_formula(
    w: float, g: float, state: dict, *, lr: float, beta1: float, beta2: float, eps: float, weight_decay: float
) -> float:
    g = g + weight_decay * w
    t = state["t"] = state.get("t", 0) + 1
    state["m"] = beta1 * state.get("m", 0.0) + (1 - beta1) * g
    state["u"] = max(beta2 * state.get("u", 0.0), abs(g) + eps)
    return w - lr * state["m"] / ((1 - beta1**t) * state["u"])


@settings(deadline=None, max_examples=25)
@given(lr=st.floats(1e-3, 0.2), weight_decay=st.floats(0, 0.5), beta1=st.floats(0, 0.99), beta2=st.floats(0, 0.999))
def test_follows_the_formula_on_a_quadratic(follows_on_a_quadratic: Check, **knobs: float) -> None:
    follows_on_a_quadratic(Adamax, by_the_formula, {**GOOD, **knobs})


def test_follows_the_formula_on_a_small_net(follows_on_a_small_net: Check) -> None:
    follows_on_a_small_net(Adamax, by_the_formula, GOOD)


def test_keeps_the_dtype(keeps_the_dtype: Check) -> None:
    keeps_the_dtype(Adamax, GOOD)


@settings(deadline=None, max_examples=25)
@given(gradients=st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=8))
def test_no_step_is_longer_than_the_rate(group: Check, gradients: list[float]) -> None:
    # |m| is at most 1 - β₁ᵗ times the largest gradient so far, of which u has forgotten no more than 0.999^t.
    weight = nn.Parameter(torch.zeros(1, dtype=torch.float64))
    optimizer = Adamax(**GOOD).build([group(weight)])
    for t, gradient in enumerate(gradients):
        before = weight.item()
        weight.grad = torch.full_like(weight, gradient)
        optimizer.step()
        assert abs(weight.item() - before) <= 0.002 / 0.999**t + 1e-12


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
        ("eps", 0.0, "greater than 0"),
    ],
)
def test_refuses(knob: str, value: float, message: str) -> None:
    with pytest.raises(ValidationError, match=f"(?s){knob}.*{message}"):
        Adamax(**{**GOOD, knob: value})
