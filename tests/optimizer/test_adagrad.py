"""Adagrad against its formula in plain floats, its own law and bad values."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from torch import nn

from temper.optimizer.adagrad import Adagrad

Check = Callable[..., Any]
GOOD = {"lr": 0.01, "eps": 1e-10, "weight_decay": 0.0}


def by_the_formula(w: float, g: float, state: dict, *, lr: float, eps: float, weight_decay: float) -> float:
    g = g + weight_decay * w
    state["G"] = state.get("G", 0.0) + g * g
    return w - lr * g / (state["G"] ** 0.5 + eps)


@settings(deadline=None, max_examples=25)
@given(lr=st.floats(1e-3, 0.2), weight_decay=st.floats(0, 0.5))
def test_follows_the_formula_on_a_quadratic(follows_on_a_quadratic: Check, lr: float, weight_decay: float) -> None:
    follows_on_a_quadratic(Adagrad, by_the_formula, {"lr": lr, "weight_decay": weight_decay, "eps": 1e-8})


def test_follows_the_formula_on_a_small_net(follows_on_a_small_net: Check) -> None:
    follows_on_a_small_net(Adagrad, by_the_formula, GOOD)


def test_keeps_the_dtype(keeps_the_dtype: Check) -> None:
    keeps_the_dtype(Adagrad, GOOD)


@settings(deadline=None, max_examples=25)
@given(scale=st.floats(1e-3, 1e3))
def test_the_size_of_a_gradient_does_not_matter(group: Check, scale: float) -> None:
    weight = nn.Parameter(torch.zeros(1, dtype=torch.float64))
    optimizer = Adagrad(lr=0.1, eps=1e-12, weight_decay=0.0).build([group(weight)])
    for _ in range(3):
        weight.grad = torch.full_like(weight, scale)
        optimizer.step()
    assert weight.item() == pytest.approx(-0.1 * (1 + 2**-0.5 + 3**-0.5), abs=1e-8)


@pytest.mark.parametrize(
    ("knob", "value", "message"),
    [
        ("lr", 0.0, "greater than 0"),
        ("lr", float("inf"), "finite"),
        ("lr", True, "valid number"),
        ("weight_decay", -1e-9, "greater than or equal to 0"),
        ("eps", 0.0, "greater than 0"),
    ],
)
def test_refuses(knob: str, value: float, message: str) -> None:
    with pytest.raises(ValidationError, match=f"(?s){knob}.*{message}"):
        Adagrad(**{**GOOD, knob: value})
