"""RAdam against its formula in plain floats, and bad values."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from temper.optimizer.radam import RAdam

Check = Callable[..., Any]
GOOD = {"lr": 0.001, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "weight_decay": 0.0, "decoupled": False}


def by_the_formula(
    w: float,
    g: float,
    state: dict,
    *,
    lr: float,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float,
    decoupled: bool,
) -> float:
    if decoupled:
        w = w - lr * weight_decay * w
    else:
        g = g + weight_decay * w
    t = state["t"] = state.get("t", 0) + 1
    state["m"] = beta1 * state.get("m", 0.0) + (1 - beta1) * g
    state["v"] = beta2 * state.get("v", 0.0) + (1 - beta2) * g * g
    m = state["m"] / (1 - beta1**t)
    longest = 2 / (1 - beta2) - 1
    length = longest - 2 * t * beta2**t / (1 - beta2**t)
    if length <= 5:
        return w - lr * m
    r = ((length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length)) ** 0.5
    return w - lr * r * m * (1 - beta2**t) ** 0.5 / (state["v"] ** 0.5 + eps)


@settings(deadline=None, max_examples=25)
@given(
    lr=st.floats(1e-3, 0.2),
    weight_decay=st.floats(0.01, 0.5),
    beta1=st.floats(0, 0.99),
    beta2=st.floats(0.7, 0.999),
    decoupled=st.booleans(),
)
def test_follows_the_formula_on_a_quadratic(follows_on_a_quadratic: Check, **knobs: Any) -> None:
    follows_on_a_quadratic(RAdam, by_the_formula, {**GOOD, **knobs})


@pytest.mark.parametrize("decoupled", [False, True])
def test_follows_the_formula_on_a_small_net(follows_on_a_small_net: Check, decoupled: bool) -> None:
    follows_on_a_small_net(RAdam, by_the_formula, {**GOOD, "decoupled": decoupled})


def test_keeps_the_dtype(keeps_the_dtype: Check) -> None:
    keeps_the_dtype(RAdam, GOOD)


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
        ("beta2", 0.6666, "must be above 2/3"),
        ("eps", 0.0, "greater than 0"),
        ("decoupled", True, "no decay to act on: set weight_decay"),
        ("decoupled", 1, "valid boolean"),
    ],
)
def test_refuses(knob: str, value: float, message: str) -> None:
    with pytest.raises(ValidationError, match=f"(?s){knob}.*{message}"):
        RAdam(**{**GOOD, knob: value})
