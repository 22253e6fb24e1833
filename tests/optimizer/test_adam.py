"""Adam against its formula in plain floats, and bad values."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from torch import nn

from temper.facts import ParameterGroup
from temper.optimizer.adam import Adam

GOOD = {"lr": 0.001, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "weight_decay": 0.0}


def group(*parameters: nn.Parameter, rate: float = 1.0, decay: float = 1.0) -> ParameterGroup:
    names = tuple(str(at) for at in range(len(parameters)))
    return ParameterGroup(names=names, parameters=parameters, rate=rate, decay=decay)


def by_the_formula(
    w: float, g: float, state: dict, *, lr: float, beta1: float, beta2: float, eps: float, weight_decay: float
) -> float:
    g = g + weight_decay * w
    t = state["t"] = state.get("t", 0) + 1
    state["m"] = beta1 * state.get("m", 0.0) + (1 - beta1) * g
    state["v"] = beta2 * state.get("v", 0.0) + (1 - beta2) * g * g
    return w - lr * (state["m"] / (1 - beta1**t)) / ((state["v"] / (1 - beta2**t)) ** 0.5 + eps)


@settings(deadline=None, max_examples=25)
@given(lr=st.floats(1e-3, 0.2), weight_decay=st.floats(0, 0.5), beta1=st.floats(0, 0.99), beta2=st.floats(0, 0.999))
def test_follows_the_formula_on_a_quadratic(lr: float, weight_decay: float, beta1: float, beta2: float) -> None:
    knobs = {"lr": lr, "weight_decay": weight_decay, "beta1": beta1, "beta2": beta2, "eps": 1e-8}
    weight = nn.Parameter(torch.tensor([0.7], dtype=torch.float64))
    optimizer = Adam(**knobs).build([group(weight)])
    expected, state = 0.7, {}
    for _ in range(12):
        optimizer.zero_grad()
        (1.5 * (weight - 0.2) ** 2).sum().backward()
        optimizer.step()
        expected = by_the_formula(expected, 3.0 * (expected - 0.2), state, **knobs)
        assert weight.item() == pytest.approx(expected, abs=1e-6)


def test_follows_the_formula_on_a_small_net() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1)).double()
    inputs, targets = torch.randn(8, 3, dtype=torch.float64), torch.randn(8, 1, dtype=torch.float64)
    knobs = {**GOOD, "weight_decay": 0.1}
    slow, fast = group(*net[0].parameters(), rate=0.5, decay=0.0), group(*net[2].parameters(), rate=2.0, decay=3.0)
    optimizer = Adam(**knobs).build([slow, fast])
    scaled = [
        {**knobs, "lr": knobs["lr"] * part.rate, "weight_decay": 0.1 * part.decay}
        for part in (slow, fast)
        for p in part.parameters
        for _ in range(p.numel())
    ]
    weights = [value for p in net.parameters() for value in p.flatten().tolist()]
    states: list[dict] = [{} for _ in weights]
    for _ in range(5):
        optimizer.zero_grad()
        ((net(inputs) - targets) ** 2).mean().backward()
        slopes = [value for p in net.parameters() for value in p.grad.flatten().tolist()]
        optimizer.step()
        weights = [by_the_formula(w, g, s, **k) for w, g, s, k in zip(weights, slopes, states, scaled, strict=True)]
        assert [v for p in net.parameters() for v in p.flatten().tolist()] == pytest.approx(weights, abs=1e-6)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_keeps_the_dtype(dtype: torch.dtype) -> None:
    weight = nn.Parameter(torch.ones(3, dtype=dtype))
    weight.grad = torch.ones_like(weight)
    Adam(**{**GOOD, "lr": 0.1}).build([group(weight)]).step()
    assert weight.dtype == dtype
    assert (weight < 1).all()


@pytest.mark.parametrize(
    ("knob", "value", "message"),
    [
        ("lr", 0.0, "greater than 0"),
        ("lr", float("inf"), "finite"),
        ("lr", True, "valid number"),
        ("weight_decay", -1e-9, "greater than or equal to 0"),
        ("beta1", 1.0, "less than 1"),
        ("beta1", -1e-9, "greater than or equal to 0"),
        ("beta2", 1.0, "less than 1"),
        ("beta2", -1e-9, "greater than or equal to 0"),
        ("eps", 0.0, "greater than 0"),
    ],
)
def test_refuses(knob: str, value: float, message: str) -> None:
    with pytest.raises(ValidationError, match=f"(?s){knob}.*{message}"):
        Adam(**{**GOOD, knob: value})
