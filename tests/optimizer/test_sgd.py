"""Gradient descent against its formula in plain floats, its own law and bad values."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.optimizer.conftest import NON_NEGATIVE, POSITIVE, Oracle, group
from torch import nn

from temper.optimizer.sgd import SGD

GOOD = {"lr": 0.1, "weight_decay": 0.0}


def by_the_formula(w: float, g: float, state: dict, *, lr: float, weight_decay: float) -> float:
    return w - lr * (g + weight_decay * w)


ORACLE = Oracle(SGD, by_the_formula, GOOD)

test_follows_the_formula_on_a_quadratic = ORACLE.follows_on_a_quadratic(
    lr=st.floats(1e-3, 0.2),
    weight_decay=st.floats(0, 0.5),
)
test_follows_the_formula_on_a_small_net = ORACLE.follows_on_a_small_net()
test_keeps_the_dtype = ORACLE.keeps_the_dtype()
test_refuses = ORACLE.refuses(lr=POSITIVE, weight_decay=NON_NEGATIVE)


@settings(deadline=None, max_examples=25)
@given(lr=st.floats(0.01, 0.3), steps=st.integers(1, 20))
def test_shrinks_the_distance_by_the_same_factor_each_step(lr: float, steps: int) -> None:
    weight = nn.Parameter(torch.tensor([5.0], dtype=torch.float64))
    optimizer = SGD(lr=lr, weight_decay=0.0).build([group(weight)])
    for _ in range(steps):
        weight.grad = 2.0 * (weight.detach() - 1.0)
        optimizer.step()
    assert weight.item() == pytest.approx(1.0 + 4.0 * (1 - 2 * lr) ** steps, abs=1e-9)


def test_a_group_holds_its_names_rate_and_decay() -> None:
    weight, bias = nn.Parameter(torch.ones(2, 2)), nn.Parameter(torch.ones(2))
    optimizer = SGD(lr=0.1, weight_decay=0.02).build([group(weight, rate=0.5), group(bias, decay=0.0)])
    assert [(g["lr"], g["weight_decay"], g["param_names"]) for g in optimizer.param_groups] == [
        (0.05, 0.02, ["0"]),
        (0.1, 0.0, ["0"]),
    ]
