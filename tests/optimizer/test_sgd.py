"""Gradient descent against its formula in plain floats, its own law and bad values."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from torch import nn

from temper.optimizer.sgd import SGD

Check = Callable[..., Any]
GOOD = {"lr": 0.1, "weight_decay": 0.0}


def by_the_formula(w: float, g: float, state: dict, *, lr: float, weight_decay: float) -> float:
    return w - lr * (g + weight_decay * w)


@settings(deadline=None, max_examples=25)
@given(lr=st.floats(1e-3, 0.2), weight_decay=st.floats(0, 0.5))
def test_follows_the_formula_on_a_quadratic(follows_on_a_quadratic: Check, lr: float, weight_decay: float) -> None:
    follows_on_a_quadratic(SGD, by_the_formula, {"lr": lr, "weight_decay": weight_decay})


def test_follows_the_formula_on_a_small_net(follows_on_a_small_net: Check) -> None:
    follows_on_a_small_net(SGD, by_the_formula, GOOD)


def test_keeps_the_dtype(keeps_the_dtype: Check) -> None:
    keeps_the_dtype(SGD, GOOD)


@settings(deadline=None, max_examples=25)
@given(lr=st.floats(0.01, 0.3), steps=st.integers(1, 20))
def test_shrinks_the_distance_by_the_same_factor_each_step(group: Check, lr: float, steps: int) -> None:
    weight = nn.Parameter(torch.tensor([5.0], dtype=torch.float64))
    optimizer = SGD(lr=lr, weight_decay=0.0).build([group(weight)])
    for _ in range(steps):
        weight.grad = 2.0 * (weight.detach() - 1.0)
        optimizer.step()
    assert weight.item() == pytest.approx(1.0 + 4.0 * (1 - 2 * lr) ** steps, abs=1e-9)


def test_a_group_holds_its_names_rate_and_decay(group: Check) -> None:
    weight, bias = nn.Parameter(torch.ones(2, 2)), nn.Parameter(torch.ones(2))
    optimizer = SGD(lr=0.1, weight_decay=0.02).build([group(weight, rate=0.5), group(bias, decay=0.0)])
    assert [(g["lr"], g["weight_decay"], g["param_names"]) for g in optimizer.param_groups] == [
        (0.05, 0.02, ["0"]),
        (0.1, 0.0, ["0"]),
    ]


@pytest.mark.parametrize(
    ("knob", "value", "message"),
    [
        ("lr", 0.0, "greater than 0"),
        ("lr", float("inf"), "finite"),
        ("lr", True, "valid number"),
        ("weight_decay", -1e-9, "greater than or equal to 0"),
    ],
)
def test_refuses(knob: str, value: float, message: str) -> None:
    with pytest.raises(ValidationError, match=f"(?s){knob}.*{message}"):
        SGD(**{**GOOD, knob: value})
