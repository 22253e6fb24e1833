"""LARS against Algorithm 1 in plain floats, layer by layer, its own laws and bad values."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.optimizer.conftest import FORGETTING, NON_NEGATIVE, POSITIVE, Oracle, group
from torch import nn

from temper.optimizer.lars import LARS

GOOD = {"lr": 0.2, "momentum": 0.9, "trust": 0.02, "weight_decay": 0.0}


def by_the_formula(
    w: list[float],
    g: list[float],
    state: dict,
    adapts: bool,
    *,
    lr: float,
    momentum: float,
    trust: float,
    weight_decay: float,
) -> list[float]:
    size, slope = math.sqrt(sum(x * x for x in w)), math.sqrt(sum(x * x for x in g))
    under = slope + weight_decay * size
    local = trust * size / under if adapts and size > 0 and under > 0 else 1.0
    state["v"] = [
        momentum * v + lr * local * (x + weight_decay * weight)
        for v, weight, x in zip(state.get("v", [0.0] * len(w)), w, g, strict=True)
    ]
    return [weight - v for weight, v in zip(w, state["v"], strict=True)]


# Below it, where a gradient is zero too, the divisor of the local rate is so small that the rate is infinite.
DECAY = st.just(0.0) | st.floats(1e-9, 0.5)


ORACLE = Oracle(LARS, by_the_formula, GOOD)

test_follows_the_formula_by_layers = ORACLE.follows_by_layers(
    lr=st.floats(1e-2, 1), weight_decay=DECAY, momentum=st.floats(0, 0.99), trust=st.floats(1e-3, 0.1)
)
test_keeps_the_dtype = ORACLE.keeps_the_dtype(trust=0.5)
test_refuses = ORACLE.refuses(lr=POSITIVE, weight_decay=NON_NEGATIVE, momentum=FORGETTING, trust=POSITIVE)


@settings(deadline=None, max_examples=25)
@given(scale=st.floats(1e-3, 1e3))
def test_a_first_step_is_a_share_of_the_weights_length(scale: float) -> None:
    torch.manual_seed(0)
    weight = nn.Parameter(torch.randn(3, 4, dtype=torch.float64))
    size, before = weight.norm().item(), weight.detach().clone()
    weight.grad = scale * torch.randn_like(weight)
    gradient = weight.grad.clone()
    LARS(**GOOD).build([group(weight)]).step()
    assert (weight - before).norm().item() == pytest.approx(0.2 * 0.02 * size, rel=1e-9)
    assert torch.equal(weight.grad, gradient)
