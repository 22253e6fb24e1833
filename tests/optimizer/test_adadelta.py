"""Adadelta against its formula in plain floats, its own law and bad values."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.optimizer.conftest import FORGETTING, NON_NEGATIVE, POSITIVE, Oracle, group
from torch import nn

from temper.optimizer.adadelta import Adadelta

GOOD = {"lr": 1.0, "rho": 0.9, "eps": 1e-6, "weight_decay": 0.0}


def by_the_formula(w: float, g: float, state: dict, *, lr: float, rho: float, eps: float, weight_decay: float) -> float:
    g = g + weight_decay * w
    state["G"] = rho * state.get("G", 0.0) + (1 - rho) * g * g
    delta = g * (state.get("D", 0.0) + eps) ** 0.5 / (state["G"] + eps) ** 0.5
    state["D"] = rho * state.get("D", 0.0) + (1 - rho) * delta * delta
    return w - lr * delta


ORACLE = Oracle(Adadelta, by_the_formula, GOOD)

test_follows_the_formula_on_a_quadratic = ORACLE.follows_on_a_quadratic(
    lr=st.floats(0.1, 2), weight_decay=st.floats(0, 0.5), rho=st.floats(0, 0.99), eps=st.floats(1e-6, 1e-2)
)
test_follows_the_formula_on_a_small_net = ORACLE.follows_on_a_small_net({"eps": 1e-3})
test_keeps_the_dtype = ORACLE.keeps_the_dtype(eps=1e-2)  # its first steps are too small for bfloat16 otherwise
test_refuses = ORACLE.refuses(lr=POSITIVE, weight_decay=NON_NEGATIVE, rho=FORGETTING, eps=POSITIVE)


@settings(deadline=None, max_examples=25)
@given(scale=st.floats(1e-2, 1e3))
def test_the_size_of_a_gradient_does_not_matter(scale: float) -> None:
    ends = []
    for slope in (1.0, scale):
        weight = nn.Parameter(torch.zeros(1, dtype=torch.float64))
        optimizer = Adadelta(lr=1.0, rho=0.9, eps=1e-14, weight_decay=0.0).build([group(weight)])
        for _ in range(5):
            weight.grad = torch.full_like(weight, slope)
            optimizer.step()
        ends.append(weight.item())
    assert ends[1] == pytest.approx(ends[0], rel=1e-6)
