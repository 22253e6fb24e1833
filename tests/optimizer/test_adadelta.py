"""Adadelta against its formula in plain floats, its own law and bad values."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from torch import nn

from temper.optimizer.adadelta import Adadelta

Check = Callable[..., Any]
GOOD = {"lr": 1.0, "rho": 0.9, "eps": 1e-6, "weight_decay": 0.0}


def by_the_formula(w: float, g: float, state: dict, *, lr: float, rho: float, eps: float, weight_decay: float) -> float:
    g = g + weight_decay * w
    state["G"] = rho * state.get("G", 0.0) + (1 - rho) * g * g
    delta = g * (state.get("D", 0.0) + eps) ** 0.5 / (state["G"] + eps) ** 0.5
    state["D"] = rho * state.get("D", 0.0) + (1 - rho) * delta * delta
    return w - lr * delta


@settings(deadline=None, max_examples=25)
@given(lr=st.floats(0.1, 2), weight_decay=st.floats(0, 0.5), rho=st.floats(0, 0.99), eps=st.floats(1e-6, 1e-2))
def test_follows_the_formula_on_a_quadratic(follows_on_a_quadratic: Check, **knobs: float) -> None:
    follows_on_a_quadratic(Adadelta, by_the_formula, knobs)


def test_follows_the_formula_on_a_small_net(follows_on_a_small_net: Check) -> None:
    follows_on_a_small_net(Adadelta, by_the_formula, {**GOOD, "eps": 1e-3})


def test_keeps_the_dtype(keeps_the_dtype: Check) -> None:
    keeps_the_dtype(Adadelta, {**GOOD, "eps": 1e-2})  # smaller first steps than bfloat16 can take from 1 otherwise


@settings(deadline=None, max_examples=25)
@given(scale=st.floats(1e-2, 1e3))
def test_the_size_of_a_gradient_does_not_matter(group: Check, scale: float) -> None:
    ends = []
    for slope in (1.0, scale):
        weight = nn.Parameter(torch.zeros(1, dtype=torch.float64))
        optimizer = Adadelta(lr=1.0, rho=0.9, eps=1e-14, weight_decay=0.0).build([group(weight)])
        for _ in range(5):
            weight.grad = torch.full_like(weight, slope)
            optimizer.step()
        ends.append(weight.item())
    assert ends[1] == pytest.approx(ends[0], rel=1e-6)


@pytest.mark.parametrize(
    ("knob", "value", "message"),
    [
        ("lr", 0.0, "greater than 0"),
        ("lr", float("inf"), "finite"),
        ("lr", True, "valid number"),
        ("weight_decay", -1e-9, "greater than or equal to 0"),
        ("rho", 1.0, "less than 1"),
        ("rho", -1e-9, "greater than or equal to 0"),
        ("eps", 0.0, "greater than 0"),
    ],
)
def test_refuses(knob: str, value: float, message: str) -> None:
    with pytest.raises(ValidationError, match=f"(?s){knob}.*{message}"):
        Adadelta(**{**GOOD, knob: value})
