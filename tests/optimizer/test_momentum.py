"""Momentum against its formula in plain floats, the textbook's form and bad values."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.optimizer.conftest import FORGETTING, NON_NEGATIVE, POSITIVE, Oracle, group
from torch import nn

from temper.optimizer.momentum import Momentum

GOOD = {"lr": 0.05, "momentum": 0.9, "weight_decay": 0.0}


def by_the_formula(w: float, g: float, state: dict, *, lr: float, momentum: float, weight_decay: float) -> float:
    state["v"] = momentum * state.get("v", 0.0) + g + weight_decay * w
    return w - lr * state["v"]


ORACLE = Oracle(Momentum, by_the_formula, GOOD)

test_follows_the_formula_on_a_quadratic = ORACLE.follows_on_a_quadratic(
    lr=st.floats(1e-3, 0.2),
    weight_decay=st.floats(0, 0.5),
    momentum=st.floats(0, 0.99),
)
test_follows_the_formula_on_a_small_net = ORACLE.follows_on_a_small_net()
test_keeps_the_dtype = ORACLE.keeps_the_dtype()
test_refuses = ORACLE.refuses(lr=POSITIVE, weight_decay=NON_NEGATIVE, momentum=FORGETTING)


@settings(deadline=None, max_examples=25)
@given(lr=st.floats(1e-3, 0.1), momentum=st.floats(0, 0.99))
def test_equals_the_textbook_at_a_constant_rate(lr: float, momentum: float) -> None:
    weight = nn.Parameter(torch.tensor([0.7], dtype=torch.float64))
    optimizer = Momentum(lr=lr, momentum=momentum, weight_decay=0.0).build([group(weight)])
    expected, velocity = 0.7, 0.0
    for _ in range(12):
        weight.grad = 3.0 * weight.detach()
        optimizer.step()
        velocity = momentum * velocity + lr * 3.0 * expected
        expected -= velocity
        assert weight.item() == pytest.approx(expected, abs=1e-9)
