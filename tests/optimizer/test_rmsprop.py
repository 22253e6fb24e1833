"""RMSprop against its formula in plain floats, and bad values."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from temper.optimizer.rmsprop import RMSprop

Check = Callable[..., Any]
GOOD = {"lr": 0.001, "alpha": 0.99, "momentum": None, "eps": 1e-8, "weight_decay": 0.0}


def by_the_formula(
    w: float, g: float, state: dict, *, lr: float, alpha: float, momentum: float | None, eps: float, weight_decay: float
) -> float:
    g = g + weight_decay * w
    state["G"] = alpha * state.get("G", 0.0) + (1 - alpha) * g * g
    step = g / (state["G"] ** 0.5 + eps)
    if momentum is not None:
        step = state["v"] = momentum * state.get("v", 0.0) + step
    return w - lr * step


@settings(deadline=None, max_examples=25)
@given(
    lr=st.floats(1e-3, 0.2),
    weight_decay=st.floats(0, 0.5),
    alpha=st.floats(0, 0.99),
    momentum=st.none() | st.floats(0, 0.99),
)
def test_follows_the_formula_on_a_quadratic(follows_on_a_quadratic: Check, **knobs: Any) -> None:
    follows_on_a_quadratic(RMSprop, by_the_formula, {**GOOD, **knobs})


@pytest.mark.parametrize("momentum", [None, 0.9])
def test_follows_the_formula_on_a_small_net(follows_on_a_small_net: Check, momentum: float | None) -> None:
    follows_on_a_small_net(RMSprop, by_the_formula, {**GOOD, "momentum": momentum})


def test_keeps_the_dtype(keeps_the_dtype: Check) -> None:
    keeps_the_dtype(RMSprop, GOOD)


@pytest.mark.parametrize(
    ("knob", "value", "message"),
    [
        ("lr", 0.0, "greater than 0"),
        ("lr", float("inf"), "finite"),
        ("lr", True, "valid number"),
        ("weight_decay", -1e-9, "greater than or equal to 0"),
        ("alpha", 1.0, "less than 1"),
        ("alpha", -1e-9, "greater than or equal to 0"),
        ("momentum", 1.0, "less than 1"),
        ("momentum", -1e-9, "greater than or equal to 0"),
        ("eps", 0.0, "greater than 0"),
    ],
)
def test_refuses(knob: str, value: float, message: str) -> None:
    with pytest.raises(ValidationError, match=f"(?s){knob}.*{message}"):
        RMSprop(**{**GOOD, knob: value})
