"""Adamax against its formula in plain floats, its own law and bad values."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.optimizer.conftest import MOMENTS_DRAWN, MOMENTS_REFUSED, Oracle, group
from torch import nn

from temper.optimizer.adamax import Adamax

GOOD = {"lr": 0.002, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "weight_decay": 0.0}


def by_the_formula(
    w: float, g: float, state: dict, *, lr: float, beta1: float, beta2: float, eps: float, weight_decay: float
) -> float:
    g = g + weight_decay * w
    t = state["t"] = state.get("t", 0) + 1
    state["m"] = beta1 * state.get("m", 0.0) + (1 - beta1) * g
    state["u"] = max(beta2 * state.get("u", 0.0), abs(g) + eps)
    return w - lr * state["m"] / ((1 - beta1**t) * state["u"])


ORACLE = Oracle(Adamax, by_the_formula, GOOD)

test_follows_the_formula_on_a_quadratic = ORACLE.follows_on_a_quadratic(**MOMENTS_DRAWN)
test_follows_the_formula_on_a_small_net = ORACLE.follows_on_a_small_net()
test_keeps_the_dtype = ORACLE.keeps_the_dtype()
test_refuses = ORACLE.refuses(**MOMENTS_REFUSED)


@settings(deadline=None, max_examples=25)
@given(gradients=st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=8))
def test_no_step_is_longer_than_the_rate(gradients: list[float]) -> None:
    # |m| is at most 1 - β₁ᵗ times the largest gradient so far, of which u has forgotten no more than 0.999^t.
    weight = nn.Parameter(torch.zeros(1, dtype=torch.float64))
    optimizer = Adamax(**GOOD).build([group(weight)])
    for t, gradient in enumerate(gradients):
        before = weight.item()
        weight.grad = torch.full_like(weight, gradient)
        optimizer.step()
        assert abs(weight.item() - before) <= 0.002 / 0.999**t + 1e-12
