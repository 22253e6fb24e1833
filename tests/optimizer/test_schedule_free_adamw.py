"""Schedule-free AdamW against its formula in plain floats, against the authors' plainest version, and bad values."""

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.optimizer.conftest import FORGETTING, NON_NEGATIVE, OPEN_FRACTION, POSITIVE, Oracle
from torch import nn

from temper.facts import ParameterGroup
from temper.optimizer.schedule_free_adamw import ScheduleFreeAdamW

GOOD: dict[str, Any] = {"lr": 0.0025, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "weight_decay": 0.0}


def by_the_formula(
    y: float,
    g: float,
    state: dict[str, float],
    *,
    lr: float,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float,
) -> float:
    """Return the next y; ``state`` holds x, z, the mean square and the sum of squared rates."""
    t = state["t"] = state.get("t", 0) + 1
    state["v"] = beta2 * state.get("v", 0.0) + (1 - beta2) * g * g
    state["z"] = state.get("z", y) - lr * (g / ((state["v"] / (1 - beta2**t)) ** 0.5 + eps) + weight_decay * y)
    state["squares"] = state.get("squares", 0.0) + lr**2
    share = lr**2 / state["squares"]
    state["x"] = (1 - share) * state.get("x", y) + share * state["z"]
    return (1 - beta1) * state["z"] + beta1 * state["x"]


ORACLE = Oracle(ScheduleFreeAdamW, by_the_formula, GOOD)

test_follows_the_formula_on_a_small_net = ORACLE.follows_on_a_small_net()
test_refuses = ORACLE.refuses(
    lr=POSITIVE, weight_decay=NON_NEGATIVE, beta1=OPEN_FRACTION, beta2=FORGETTING, eps=POSITIVE
)


@settings(deadline=None, max_examples=25)
@given(
    lr=st.floats(1e-3, 0.2),
    beta1=st.floats(0.05, 0.99),
    beta2=st.floats(0, 0.999),
    weight_decay=st.floats(0, 0.5),
    warmup=st.integers(0, 9),
)
def test_follows_the_formula_on_a_quadratic(
    lr: float, beta1: float, beta2: float, weight_decay: float, warmup: int
) -> None:
    knobs = {"lr": lr, "beta1": beta1, "beta2": beta2, "eps": 1e-8, "weight_decay": weight_decay}
    weight = nn.Parameter(torch.tensor([0.7], dtype=torch.float64))
    record = ScheduleFreeAdamW(**knobs)
    optimizer = record.build([ParameterGroup(names=("w",), parameters=(weight,))])
    assert record.shown(optimizer) is None
    expected, state = 0.7, {}
    for step in range(12):
        rate = lr * min(1.0, (step + 1) / warmup if warmup else 1.0)
        optimizer.param_groups[0]["lr"] = rate
        optimizer.zero_grad()
        (1.5 * (weight - 0.2) ** 2).sum().backward()
        optimizer.step()
        expected = by_the_formula(expected, 3.0 * (expected - 0.2), state, **{**knobs, "lr": rate})
        assert weight.item() == pytest.approx(expected, abs=1e-6)
        shown = record.shown(optimizer)
        assert shown is not None
        assert shown[weight].item() == pytest.approx(state["x"], abs=1e-6)


def test_follows_the_authors_plainest_version() -> None:
    from schedulefree import AdamWScheduleFreeReference

    ours, theirs = (nn.Parameter(torch.tensor([0.7, -0.2], dtype=torch.float64)) for _ in range(2))
    record = ScheduleFreeAdamW(**{**GOOD, "weight_decay": 0.1})
    optimizer = record.build([ParameterGroup(names=("w",), parameters=(ours,))])
    other = AdamWScheduleFreeReference([theirs], lr=0.0025, weight_decay=0.1)
    other.train()
    for _ in range(10):
        ours.grad, theirs.grad = 3.0 * ours.detach(), 3.0 * theirs.detach()
        optimizer.step()
        other.step()
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-12)
    shown = record.shown(optimizer)
    assert shown is not None
    torch.testing.assert_close(shown[ours], other.state[theirs]["x"], rtol=0, atol=1e-12)
