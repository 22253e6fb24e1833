"""NAdam against its formula in plain floats, its checkpoint and bad values."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from torch import nn

from temper.optimizer.nadam import NAdam

Check = Callable[..., Any]
GOOD = {
    "lr": 0.002,
    "beta1": 0.9,
    "beta2": 0.999,
    "momentum_decay": 0.004,
    "eps": 1e-8,
    "weight_decay": 0.0,
    "decoupled": False,
}


def by_the_formula(
    w: float,
    g: float,
    state: dict,
    *,
    lr: float,
    beta1: float,
    beta2: float,
    momentum_decay: float,
    eps: float,
    weight_decay: float,
    decoupled: bool,
) -> float:
    if decoupled:
        w = w - lr * weight_decay * w
    else:
        g = g + weight_decay * w
    t = state["t"] = state.get("t", 0) + 1
    now, later = (beta1 * (1 - 0.5 * 0.96 ** (at * momentum_decay)) for at in (t, t + 1))
    state["product"] = state.get("product", 1.0) * now
    state["m"] = beta1 * state.get("m", 0.0) + (1 - beta1) * g
    state["v"] = beta2 * state.get("v", 0.0) + (1 - beta2) * g * g
    m = later * state["m"] / (1 - state["product"] * later) + (1 - now) * g / (1 - state["product"])
    return w - lr * m / ((state["v"] / (1 - beta2**t)) ** 0.5 + eps)


# torch keeps the product of the μ in float32; where β₂ is small, the path bends so sharply that this rounding shows.
@settings(deadline=None, max_examples=25)
@given(
    lr=st.floats(1e-3, 0.2),
    weight_decay=st.floats(0.01, 0.5),
    beta1=st.floats(0.01, 0.99),
    beta2=st.floats(0.9, 0.999),
    momentum_decay=st.floats(0, 1),
    decoupled=st.booleans(),
)
def test_follows_the_formula_on_a_quadratic(follows_on_a_quadratic: Check, **knobs: Any) -> None:
    follows_on_a_quadratic(NAdam, by_the_formula, {**GOOD, **knobs})


@pytest.mark.parametrize("decoupled", [False, True])
def test_follows_the_formula_on_a_small_net(follows_on_a_small_net: Check, decoupled: bool) -> None:
    follows_on_a_small_net(NAdam, by_the_formula, {**GOOD, "decoupled": decoupled})


def test_keeps_the_dtype(keeps_the_dtype: Check) -> None:
    keeps_the_dtype(NAdam, GOOD)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32, torch.float64])
def test_a_checkpoint_keeps_the_product_of_momenta(group: Check, dtype: torch.dtype) -> None:
    weight = nn.Parameter(torch.ones(3, dtype=dtype))
    optimizer = NAdam(**GOOD).build([group(weight)])
    for _ in range(3):
        weight.grad = torch.ones_like(weight)
        optimizer.step()
    other = NAdam(**GOOD).build([group(weight)])
    other.load_state_dict(optimizer.state_dict())
    before, after = optimizer.state[weight]["mu_product"], other.state[weight]["mu_product"]
    assert isinstance(before, torch.Tensor)  # a look changes nothing
    assert after.dtype == before.dtype == torch.float32
    assert after == before
    assert after.is_cpu


@pytest.mark.parametrize(
    ("knob", "value", "message"),
    [
        ("lr", 0.0, "greater than 0"),
        ("lr", float("inf"), "finite"),
        ("lr", True, "valid number"),
        ("weight_decay", -1e-9, "greater than or equal to 0"),
        ("beta1", 1.0, "less than 1"),
        ("beta1", 0.0, "must be above 0.*optimizer=adam"),
        ("beta2", 1.0, "less than 1"),
        ("beta2", -1e-9, "greater than or equal to 0"),
        ("momentum_decay", -1e-9, "greater than or equal to 0"),
        ("eps", 0.0, "greater than 0"),
        ("decoupled", True, "no decay to act on: set weight_decay"),
        ("decoupled", 1, "valid boolean"),
    ],
)
def test_refuses(knob: str, value: float, message: str) -> None:
    with pytest.raises(ValidationError, match=f"(?s){knob}.*{message}"):
        NAdam(**{**GOOD, knob: value})
