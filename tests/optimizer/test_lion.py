"""Lion against its formula in plain floats, its own law and bad values."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.optimizer.conftest import FORGETTING, NON_NEGATIVE, POSITIVE, Oracle, group
from torch import nn

from temper.optimizer.lion import Lion

GOOD = {"lr": 0.0003, "beta1": 0.9, "beta2": 0.99, "weight_decay": 0.0}


def by_the_formula(
    w: float, g: float, state: dict, *, lr: float, beta1: float, beta2: float, weight_decay: float
) -> float:
    c = beta1 * state.get("m", 0.0) + (1 - beta1) * g
    state["m"] = beta2 * state.get("m", 0.0) + (1 - beta2) * g
    return w - lr * (math.copysign(1.0, c) * (c != 0) + weight_decay * w)


ORACLE = Oracle(Lion, by_the_formula, GOOD)

# On the quadratic a gradient may all but vanish, where its sign is chance; a rate off the grid keeps away from that.
test_follows_the_formula_on_a_quadratic = ORACLE.follows_on_a_quadratic(
    lr=st.sampled_from([0.0031, 0.0173, 0.0571, 0.1937]),
    weight_decay=st.floats(0, 0.5),
    beta1=st.floats(0, 0.99),
    beta2=st.floats(0, 0.99),
)
test_follows_the_formula_on_a_small_net = ORACLE.follows_on_a_small_net()
test_keeps_the_dtype = ORACLE.keeps_the_dtype()
test_refuses = ORACLE.refuses(lr=POSITIVE, weight_decay=NON_NEGATIVE, beta1=FORGETTING, beta2=FORGETTING)


@settings(deadline=None, max_examples=25)
@given(slopes=st.lists(st.floats(-1e3, 1e3).filter(lambda slope: abs(slope) > 1e-6), min_size=1, max_size=6))
def test_every_first_step_is_as_long_as_the_rate(slopes: list[float]) -> None:
    weight = nn.Parameter(torch.zeros(len(slopes), dtype=torch.float64))
    weight.grad = torch.tensor(slopes, dtype=torch.float64)
    gradient = weight.grad.clone()
    Lion(**GOOD).build([group(weight)]).step()
    assert weight.tolist() == pytest.approx([-0.0003 * math.copysign(1, slope) for slope in slopes], abs=1e-15)
    assert torch.equal(weight.grad, gradient)
