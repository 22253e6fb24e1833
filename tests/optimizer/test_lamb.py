"""LAMB against Algorithm 2 in plain floats, layer by layer, its own laws and bad values."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from tests.optimizer.conftest import MOMENTS_DRAWN, MOMENTS_REFUSED, POSITIVE, Oracle, group
from torch import nn

from temper.optimizer.lamb import LAMB

GOOD = {
    "lr": 0.01,
    "beta1": 0.9,
    "beta2": 0.999,
    "eps": 1e-6,
    "weight_decay": 0.0,
    "shortest": None,
    "longest": None,
}


def by_the_formula(
    w: list[float],
    g: list[float],
    state: dict,
    adapts: bool,
    *,
    lr: float,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float,
    shortest: float | None,
    longest: float | None,
) -> list[float]:
    t = state["t"] = state.get("t", 0) + 1
    start = [0.0] * len(w)
    state["m"] = [beta1 * m + (1 - beta1) * x for m, x in zip(state.get("m", start), g, strict=True)]
    state["v"] = [beta2 * v + (1 - beta2) * x * x for v, x in zip(state.get("v", start), g, strict=True)]
    u = [
        (m / (1 - beta1**t)) / (math.sqrt(v / (1 - beta2**t)) + eps) + weight_decay * weight
        for m, v, weight in zip(state["m"], state["v"], w, strict=True)
    ]
    size, length = math.sqrt(sum(x * x for x in w)), math.sqrt(sum(x * x for x in u))
    size = max(size, shortest or 0.0)
    size = min(size, longest or math.inf)
    ratio = size / length if adapts and size > 0 and length > 0 else 1.0
    return [weight - lr * ratio * x for weight, x in zip(w, u, strict=True)]


ORACLE = Oracle(LAMB, by_the_formula, GOOD)

test_follows_the_formula_by_layers = ORACLE.follows_by_layers(
    **MOMENTS_DRAWN, shortest=st.none() | st.floats(0.1, 1), longest=st.none() | st.floats(1, 2)
)
test_keeps_the_dtype = ORACLE.keeps_the_dtype()
test_refuses = ORACLE.refuses(**MOMENTS_REFUSED, shortest=POSITIVE, longest=POSITIVE)


@settings(deadline=None, max_examples=25)
@given(scale=st.floats(1e-2, 1e3), longest=st.none() | st.floats(0.1, 10))
def test_a_step_is_a_share_of_the_weights_length(scale: float, longest: float | None) -> None:
    torch.manual_seed(0)
    weight = nn.Parameter(torch.randn(3, 4, dtype=torch.float64))
    optimizer = LAMB(**{**GOOD, "longest": longest}).build([group(weight)])
    for _ in range(3):
        size, before = weight.norm().item(), weight.detach().clone()
        weight.grad = scale * torch.randn_like(weight)
        gradient = weight.grad.clone()
        optimizer.step()
        assert (weight - before).norm().item() == pytest.approx(0.01 * min(size, longest or math.inf), rel=1e-9)
        assert torch.equal(weight.grad, gradient)


def test_a_weight_counts_its_own_steps() -> None:
    first, late = (nn.Parameter(torch.ones(2, dtype=torch.float64)) for _ in range(2))
    optimizer = LAMB(**GOOD).build([group(first, late)])
    first.grad = torch.ones_like(first)
    optimizer.step()
    late.grad = torch.ones_like(late)
    optimizer.step()
    assert late.tolist() == pytest.approx([1 - 0.01 * 1.0] * 2, abs=1e-6)  # as its first: corrected by t = 1
    assert [optimizer.state[weight]["step"].item() for weight in (first, late)] == [2, 1]


def test_refuses_bounds_that_cross() -> None:
    assert LAMB(**{**GOOD, "shortest": 2.0, "longest": 2.0}).longest == 2
    with pytest.raises(ValidationError, match="shortest must be at most longest=2"):
        LAMB(**{**GOOD, "shortest": 2.01, "longest": 2.0})
