"""AdamW against its formula in plain floats, its own law and bad values."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.optimizer.conftest import MOMENTS_DRAWN, MOMENTS_REFUSED, Oracle, group
from torch import nn

from temper.optimizer.adamw import AdamW

GOOD = {"lr": 0.001, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "weight_decay": 0.0}


def by_the_formula(
    w: float, g: float, state: dict, *, lr: float, beta1: float, beta2: float, eps: float, weight_decay: float
) -> float:
    w = w - lr * weight_decay * w
    t = state["t"] = state.get("t", 0) + 1
    state["m"] = beta1 * state.get("m", 0.0) + (1 - beta1) * g
    state["v"] = beta2 * state.get("v", 0.0) + (1 - beta2) * g * g
    return w - lr * (state["m"] / (1 - beta1**t)) / ((state["v"] / (1 - beta2**t)) ** 0.5 + eps)


ORACLE = Oracle(AdamW, by_the_formula, GOOD)

test_follows_the_formula_on_a_quadratic = ORACLE.follows_on_a_quadratic(**MOMENTS_DRAWN)
test_follows_the_formula_on_a_small_net = ORACLE.follows_on_a_small_net()
test_keeps_the_dtype = ORACLE.keeps_the_dtype()
test_refuses = ORACLE.refuses(**MOMENTS_REFUSED)


@settings(deadline=None, max_examples=25)
@given(slope=st.floats(1e-2, 1e2))
def test_the_decay_does_not_depend_on_the_gradient(slope: float) -> None:
    def after(weight_decay: float) -> float:
        weight = nn.Parameter(torch.ones(1, dtype=torch.float64))
        optimizer = AdamW(**{**GOOD, "weight_decay": weight_decay}).build([group(weight)])
        weight.grad = torch.full_like(weight, slope)
        optimizer.step()
        return weight.item()

    assert after(0.0) - after(0.5) == pytest.approx(0.001 * 0.5, abs=1e-12)
