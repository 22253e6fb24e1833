"""NAdam against its formula in plain floats, its checkpoint and bad values."""

import pytest
import torch
from hypothesis import strategies as st
from tests.optimizer.conftest import FORGETTING, NON_NEGATIVE, POSITIVE, Oracle, group
from torch import nn

from temper.optimizer.nadam import NAdam

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


ORACLE = Oracle(NAdam, by_the_formula, GOOD)

# torch keeps the product of the μ in float32; where β₂ is small, the path bends so sharply that this rounding shows.
test_follows_the_formula_on_a_quadratic = ORACLE.follows_on_a_quadratic(
    lr=st.floats(1e-3, 0.2),
    weight_decay=st.floats(0.01, 0.5),
    beta1=st.floats(0.01, 0.99),
    beta2=st.floats(0.9, 0.999),
    momentum_decay=st.floats(0, 1),
    decoupled=st.booleans(),
)
test_follows_the_formula_on_a_small_net = ORACLE.follows_on_a_small_net({}, {"decoupled": True})
test_keeps_the_dtype = ORACLE.keeps_the_dtype()
test_refuses = ORACLE.refuses(
    lr=POSITIVE,
    weight_decay=NON_NEGATIVE,
    beta1=((1.0, "less than 1"), (0.0, "must be above 0.*optimizer=adam")),
    beta2=FORGETTING,
    momentum_decay=NON_NEGATIVE,
    eps=POSITIVE,
    decoupled=((True, "no decay to act on: set weight_decay"), (1, "valid boolean")),
)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32, torch.float64])
def test_a_checkpoint_keeps_the_product_of_momenta(dtype: torch.dtype) -> None:
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
