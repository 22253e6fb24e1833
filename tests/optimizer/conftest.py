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
LayerFormula = Callable[..., list[float]]  # the same of a layer's weights at once, and whether its length counts


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


@pytest.fixture(scope="session")
def follows_by_layers() -> Callable[[Record, LayerFormula, dict[str, Any]], None]:
    def check(record: Record, by_the_formula: LayerFormula, knobs: dict[str, Any]) -> None:
        torch.manual_seed(0)
        net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 3), nn.Tanh(), nn.Linear(3, 1)).double()
        with torch.no_grad():
            net[2].weight.zero_()  # a layer that has to leave 0
        inputs, targets = torch.randn(8, 3, dtype=torch.float64), torch.randn(8, 1, dtype=torch.float64)
        slow, fast = _group(net[0].weight, rate=0.5), _group(net[2].weight, net[4].weight, rate=2.0, decay=3.0)
        biases = _group(net[0].bias, net[2].bias, net[4].bias, decay=0.0)
        optimizer = record(**knobs).build([slow, fast, biases])
        layers = [(weight, part) for part in (slow, fast, biases) for weight in part.parameters]
        expected = [weight.flatten().tolist() for weight, _ in layers]
        states: list[dict[str, Any]] = [{} for _ in layers]
        for factor in (1.0, 1.0, 0.5, 0.25, 2.0):  # as a schedule has it
            for group, part in zip(optimizer.param_groups, (slow, fast, biases), strict=True):
                group["lr"] = knobs["lr"] * part.rate * factor
            optimizer.zero_grad()
            ((net(inputs) - targets) ** 2).mean().backward()
            slopes = [weight.grad.flatten().tolist() for weight, _ in layers]
            optimizer.step()
            expected = [
                by_the_formula(
                    values,
                    slope,
                    state,
                    part.decay > 0,
                    **knobs
                    | {"lr": knobs["lr"] * part.rate * factor, "weight_decay": knobs["weight_decay"] * part.decay},
                )
                for values, slope, state, (_, part) in zip(expected, slopes, states, layers, strict=True)
            ]
            for (weight, _), values in zip(layers, expected, strict=True):
                assert weight.flatten().tolist() == pytest.approx(values, abs=1e-6)

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
