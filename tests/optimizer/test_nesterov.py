"""Nesterov momentum against its formula in plain floats, and bad values."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from temper.optimizer.nesterov import Nesterov

Check = Callable[..., Any]
GOOD = {"lr": 0.05, "momentum": 0.9, "weight_decay": 0.0}


def by_the_formula(w: float, g: float, state: dict, *, lr: float, momentum: float, weight_decay: float) -> float:
    g = g + weight_decay * w
    state["v"] = momentum * state.get("v", 0.0) + g
    return w - lr * (g + momentum * state["v"])


@settings(deadline=None, max_examples=25)
@given(lr=st.floats(1e-3, 0.2), weight_decay=st.floats(0, 0.5), momentum=st.floats(0.01, 0.99))
def test_follows_the_formula_on_a_quadratic(
    follows_on_a_quadratic: Check, lr: float, weight_decay: float, momentum: float
) -> None:
    follows_on_a_quadratic(Nesterov, by_the_formula, {"lr": lr, "weight_decay": weight_decay, "momentum": momentum})


def test_follows_the_formula_on_a_small_net(follows_on_a_small_net: Check) -> None:
    follows_on_a_small_net(Nesterov, by_the_formula, GOOD)


def test_keeps_the_dtype(keeps_the_dtype: Check) -> None:
    keeps_the_dtype(Nesterov, GOOD)


@pytest.mark.parametrize(
    ("knob", "value", "message"),
    [
        ("lr", 0.0, "greater than 0"),
        ("lr", float("inf"), "finite"),
        ("lr", True, "valid number"),
        ("weight_decay", -1e-9, "greater than or equal to 0"),
        ("momentum", 1.0, "less than 1"),
        ("momentum", 0.0, "must be above 0.*optimizer=sgd"),
    ],
)
def test_refuses(knob: str, value: float, message: str) -> None:
    with pytest.raises(ValidationError, match=f"(?s){knob}.*{message}"):
        Nesterov(**{**GOOD, knob: value})
