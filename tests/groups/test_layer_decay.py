"""Which rate each parameter has, by hand for a perceptron and a ResNet, and each of them once in every network."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from torch import nn

from temper.groups.layer_decay import LayerDecay
from temper.network.mlp import MLP
from temper.network.resnet import ResNet
from temper.optimizer.sgd import SGD

Beside = Callable[[nn.Module], nn.ModuleDict]
Treated = dict[str, tuple[float, float]]


def treated(groups: LayerDecay, module: nn.Module) -> Treated:
    made = groups.build(module)
    for group in made:
        assert [id(p) for p in group.parameters] == [id(module.get_parameter(name)) for name in group.names]
    assert len({(group.rate, group.decay) for group in made}) == len(made)
    return {name: (group.rate, group.decay) for group in made for name in group.names}


def test_of_a_perceptron(beside: Beside) -> None:
    module = beside(MLP((3,), 2, hidden=[4, 5], between="relu", dropout=0.5))
    assert treated(LayerDecay(factor=0.5, no_norm_no_bias=True), module) == {
        "network.hidden.linear1.weight": (0.25, 1.0),
        "network.hidden.linear1.bias": (0.25, 0.0),
        "network.hidden.linear2.weight": (0.5, 1.0),
        "network.hidden.linear2.bias": (0.5, 0.0),
        "network.head.weight": (1.0, 1.0),
        "network.head.bias": (1.0, 0.0),
        "distillers.hints.weight": (1.0, 1.0),
        "distillers.hints.bias": (1.0, 0.0),
    }


def test_of_a_resnet(beside: Beside) -> None:
    network = ResNet(3, 2, blocks=[2, 1], widths=[4, 8], connection="preactivation", bottleneck=False)
    found = treated(LayerDecay(factor=0.1, no_norm_no_bias=False), beside(network))
    depth = {"stem": 4, "stages.0.0": 3, "stages.0.1": 2, "stages.1.0": 1, "activation": 1, "head": 0}
    checked = set()
    for block, distance in depth.items():
        for name, weight in network.named_parameters():
            if name.startswith(f"{block}."):
                assert found[f"network.{name}"] == (pytest.approx(0.1**distance), 1.0), name
                checked.add(id(weight))
    assert len(checked) == len(list(network.parameters()))


@pytest.mark.parametrize("connection", ["residual", "plain", "dense"])
def test_a_block_has_one_rate(connection: Any, beside: Beside) -> None:
    network = ResNet(3, 2, blocks=[2, 2], widths=[4, 8], connection=connection, bottleneck=False)
    found = treated(LayerDecay(factor=0.5, no_norm_no_bias=True), beside(network))
    names = {id(weight): f"network.{name}" for name, weight in network.named_parameters()}
    for distance, block in enumerate(reversed(network.blocks()), start=1):
        rates = {found[names[id(weight)]][0] for part in block for weight in part.parameters()}
        assert rates == {0.5**distance}


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    hidden=st.lists(st.integers(1, 3), min_size=1, max_size=4), frozen=st.sets(st.integers(0, 5)), spare=st.booleans()
)
def test_each_parameter_that_learns_is_there_once(
    hidden: list[int], frozen: set[int], spare: bool, beside: Beside
) -> None:
    module = beside(MLP((2,), 2, hidden=hidden, between="relu"))
    for at, parameter in enumerate(module.parameters()):
        parameter.requires_grad_(at not in frozen)
    groups = LayerDecay(factor=0.5, no_norm_no_bias=spare).build(module)
    held = [id(parameter) for group in groups for parameter in group.parameters]
    assert sorted(held) == sorted(id(parameter) for parameter in module.parameters() if parameter.requires_grad)
    assert all(group.parameters for group in groups)


def test_each_block_moves_by_its_rate() -> None:
    module = nn.ModuleDict({"network": MLP((3,), 2, hidden=[4, 5], between="relu")})
    optimizer = SGD(lr=0.1, weight_decay=0.0).build(LayerDecay(factor=0.5, no_norm_no_bias=True).build(module))
    before = {name: weight.detach().clone() for name, weight in module.named_parameters()}
    for weight in module.parameters():
        weight.grad = torch.ones_like(weight)
    optimizer.step()
    for name, weight in module.named_parameters():
        rate = {"linear1": 0.025, "linear2": 0.05, "head": 0.1}[name.split(".")[-2]]
        torch.testing.assert_close(before[name] - weight.detach(), torch.full_like(weight, rate))


@pytest.mark.parametrize("bad", [{"factor": 0.0}, {"factor": -0.5}, {"factor": True}, {"no_norm_no_bias": 1}])
def test_refuses(bad: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=next(iter(bad))):
        LayerDecay(**{"factor": 0.5, "no_norm_no_bias": True, **bad})
