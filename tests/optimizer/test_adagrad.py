"""Adagrad against its formula in plain floats, its own law and bad values."""

from types import SimpleNamespace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.optimizer.conftest import NON_NEGATIVE, POSITIVE, Oracle, group
from torch import nn

from temper.facts import ParameterGroup
from temper.optimizer.adagrad import Adagrad
from temper.optimizer.torch_groups import kernels

GOOD = {"lr": 0.01, "eps": 1e-10, "weight_decay": 0.0}


def by_the_formula(w: float, g: float, state: dict, *, lr: float, eps: float, weight_decay: float) -> float:
    g = g + weight_decay * w
    state["G"] = state.get("G", 0.0) + g * g
    return w - lr * g / (state["G"] ** 0.5 + eps)


ORACLE = Oracle(Adagrad, by_the_formula, GOOD)

test_follows_the_formula_on_a_quadratic = ORACLE.follows_on_a_quadratic(
    eps=st.just(1e-8),
    lr=st.floats(1e-3, 0.2),
    weight_decay=st.floats(0, 0.5),
)
test_follows_the_formula_on_a_small_net = ORACLE.follows_on_a_small_net()
test_keeps_the_dtype = ORACLE.keeps_the_dtype()
test_refuses = ORACLE.refuses(lr=POSITIVE, weight_decay=NON_NEGATIVE, eps=POSITIVE)


@settings(deadline=None, max_examples=25)
@given(scale=st.floats(1e-3, 1e3))
def test_the_size_of_a_gradient_does_not_matter(scale: float) -> None:
    weight = nn.Parameter(torch.zeros(1, dtype=torch.float64))
    optimizer = Adagrad(lr=0.1, eps=1e-12, weight_decay=0.0).build([group(weight)])
    for _ in range(3):
        weight.grad = torch.full_like(weight, scale)
        optimizer.step()
    assert weight.item() == pytest.approx(-0.1 * (1 + 2**-0.5 + 3**-0.5), abs=1e-8)


def test_is_not_fused_where_torch_may_have_no_such_kernel() -> None:
    """On CUDA only versions after the first that will do have it."""

    def on(device: str) -> ParameterGroup:
        weight = SimpleNamespace(device=torch.device(device), is_floating_point=lambda: True)
        return ParameterGroup(names=("w",), parameters=(weight,))  # type: ignore[arg-type]

    assert kernels([on("cuda")], fused_on=("cpu",)) == {"foreach": True}
    assert kernels([on("cuda")]) == kernels([on("cpu")], fused_on=("cpu",)) == {"fused": True}
    assert kernels([on("mps")]) == {"fused": False}
