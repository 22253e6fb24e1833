"""AdamW against its formula in plain floats, its own law and bad values."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from torch import nn

from temper.optimizer.adamw import AdamW

Check = Callable[..., Any]
GOOD = {"lr": 0.001, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "weight_decay": 0.0}


def by_the_formula(
    w: float, g: float, state: dict, *, lr: float, beta1: float, beta2: float, eps: float, weight_decay: float
) -> float:
    w = w - lr * weight_decay * w
    t = state["t"] = state.get("t", 0) + 1
    state["m"] = beta1 * state.get("m", 0.0) + (1 - beta1) * g
    state["v"] = beta2 * state.get("v", 0.0) + (1 - beta2) * g * g
    return w - lr * (state["m"] / (1 - beta1**t)) / ((state["v"] / (1 - beta2**t)) ** 0.5 + eps)


@settings(deadline=None, max_examples=25)
@given(lr=st.floats(1e-3, 0.2), weight_decay=st.floats(0, 0.5), beta1=st.floats(0, 0.99), beta2=st.floats(0, 0.999))
def test_follows_the_formula_on_a_quadratic(
    follows_on_a_quadratic: Check, lr: float, weight_decay: float, beta1: float, beta2: float
) -> None:
    follows_on_a_quadratic(
        AdamW, by_the_formula, {"lr": lr, "weight_decay": weight_decay, "beta1": beta1, "beta2": beta2, "eps": 1e-8}
    )


def test_follows_the_formula_on_a_small_net(follows_on_a_small_net: Check) -> None:
    follows_on_a_small_net(AdamW, by_the_formula, GOOD)


def test_keeps_the_dtype(keeps_the_dtype: Check) -> None:
    keeps_the_dtype(AdamW, GOOD)


@settings(deadline=None, max_examples=25)
@given(slope=st.floats(1e-2, 1e2))
def test_the_decay_does_not_depend_on_the_gradient(group: Check, slope: float) -> None:
    def after(weight_decay: float) -> float:
        weight = nn.Parameter(torch.ones(1, dtype=torch.float64))
        optimizer = AdamW(**{**GOOD, "weight_decay": weight_decay}).build([group(weight)])
        weight.grad = torch.full_like(weight, slope)
        optimizer.step()
        return weight.item()

    assert after(0.0) - after(0.5) == pytest.approx(0.001 * 0.5, abs=1e-12)


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
        AdamW(**{**GOOD, knob: value})
