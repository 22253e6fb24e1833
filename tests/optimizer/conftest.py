"""How an optimizer is held against its formula: step by step, in plain floats, alone and in groups."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from temper.facts import ParameterGroup
from temper.strategy import Optimizer

Record = Callable[..., Optimizer]
Formula = Callable[..., float]  # weight, gradient, what is remembered of the weight, and the knobs -> new weight


def _group(*parameters: nn.Parameter, rate: float = 1.0, decay: float = 1.0) -> ParameterGroup:
    names = tuple(str(at) for at in range(len(parameters)))
    return ParameterGroup(names=names, parameters=parameters, rate=rate, decay=decay)


@pytest.fixture(scope="session")
def group() -> Callable[..., ParameterGroup]:
    """Return a function that puts parameters into a group."""
    return _group


@pytest.fixture(scope="session")
def follows_on_a_quadratic() -> Callable[[Record, Formula, dict[str, Any]], None]:
    def check(record: Record, by_the_formula: Formula, knobs: dict[str, Any]) -> None:
        weight = nn.Parameter(torch.tensor([0.7], dtype=torch.float64))
        optimizer = record(**knobs).build([_group(weight)])
        expected, state = 0.7, {}
        for _ in range(12):
            optimizer.zero_grad()
            (1.5 * (weight - 0.2) ** 2).sum().backward()
            optimizer.step()
            expected = by_the_formula(expected, 3.0 * (expected - 0.2), state, **knobs)
            assert weight.item() == pytest.approx(expected, abs=1e-6)

    return check


@pytest.fixture(scope="session")
def follows_on_a_small_net() -> Callable[[Record, Formula, dict[str, Any]], None]:
    def check(record: Record, by_the_formula: Formula, good: dict[str, Any]) -> None:
        torch.manual_seed(0)
        net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1)).double()
        inputs, targets = torch.randn(8, 3, dtype=torch.float64), torch.randn(8, 1, dtype=torch.float64)
        knobs = {**good, "weight_decay": 0.1}
        slow = _group(*net[0].parameters(), rate=0.5, decay=0.0)
        fast = _group(*net[2].parameters(), rate=2.0, decay=3.0)
        optimizer = record(**knobs).build([slow, fast])
        scaled = [
            {**knobs, "lr": knobs["lr"] * part.rate, "weight_decay": 0.1 * part.decay}
            for part in (slow, fast)
            for p in part.parameters
            for _ in range(p.numel())
        ]
        weights = [value for p in net.parameters() for value in p.flatten().tolist()]
        states: list[dict[str, float]] = [{} for _ in weights]
        for _ in range(5):
            optimizer.zero_grad()
            ((net(inputs) - targets) ** 2).mean().backward()
            slopes = [value for p in net.parameters() for value in p.grad.flatten().tolist()]
            optimizer.step()
            weights = [by_the_formula(w, g, s, **k) for w, g, s, k in zip(weights, slopes, states, scaled, strict=True)]
            assert [v for p in net.parameters() for v in p.flatten().tolist()] == pytest.approx(weights, abs=1e-6)

    return check


@pytest.fixture(scope="session", params=[torch.float64, torch.bfloat16], ids=str)
def keeps_the_dtype(request: pytest.FixtureRequest) -> Callable[[Record, dict[str, Any]], None]:
    def check(record: Record, good: dict[str, Any]) -> None:
        weight = nn.Parameter(torch.ones(3, dtype=request.param))
        weight.grad = torch.ones_like(weight)
        record(**{**good, "lr": 0.1}).build([_group(weight)]).step()
        assert weight.dtype == request.param
        assert (weight < 1).all()

    return check
