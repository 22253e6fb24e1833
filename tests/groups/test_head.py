"""Which rate and decay head and backbone have, by hand for a perceptron, and for what stands beside the network."""

from collections.abc import Callable
from typing import Any

import pytest
from pydantic import ValidationError
from torch import nn

from temper.groups.head import Head
from temper.network.mlp import MLP
from temper.network.resnet import ResNet

Beside = Callable[[nn.Module], nn.ModuleDict]
make: Callable[..., Head] = Head
GOOD = {
    "head_rate": 2.0,
    "backbone_rate": 0.5,
    "head_decay": 3.0,
    "backbone_decay": 0.25,
    "no_norm_no_bias": True,
}


def treated(module: nn.Module, **knobs: object) -> dict[str, tuple[float, float]]:
    made = make(**{**GOOD, **knobs}).build(module)
    for group in made:
        assert [id(p) for p in group.parameters] == [id(module.get_parameter(name)) for name in group.names]
    return {name: (group.rate, group.decay) for group in made for name in group.names}


def test_of_a_perceptron(beside: Beside) -> None:
    assert treated(beside(MLP((3,), 2, hidden=[4], between="relu"))) == {
        "network.hidden.linear1.weight": (0.5, 0.25),
        "network.hidden.linear1.bias": (0.5, 0.0),
        "network.head.weight": (2.0, 3.0),
        "network.head.bias": (2.0, 0.0),
        "distillers.hints.weight": (2.0, 3.0),
        "distillers.hints.bias": (2.0, 0.0),
    }


@pytest.mark.parametrize("connection", ["residual", "preactivation", "plain", "dense"])
def test_all_of_a_resnet_but_its_last_layer_is_backbone(connection: Any, beside: Beside) -> None:
    network = ResNet(3, 2, blocks=[2, 1], widths=[4, 8], connection=connection, bottleneck=False)
    found = treated(beside(network), no_norm_no_bias=False)
    for name, _ in network.named_parameters():
        assert found[f"network.{name}"] == ((2.0, 3.0) if name.startswith("head.") else (0.5, 0.25)), name


def test_like_parts_make_one_group(beside: Beside) -> None:
    alike = {"head_rate": 1.0, "backbone_rate": 1.0, "head_decay": 1.0, "backbone_decay": 1.0}
    groups = make(**{**GOOD, **alike}).build(beside(MLP((3,), 2, hidden=[4], between="relu")))
    assert [(group.rate, group.decay) for group in groups] == [(1.0, 1.0), (1.0, 0.0)]


@pytest.mark.parametrize(
    "bad",
    [
        {"head_rate": 0.0},
        {"backbone_rate": 0.0},
        {"head_decay": -0.1},
        {"backbone_decay": -0.1},
        {"no_norm_no_bias": 1},
    ],
)
def test_refuses(bad: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=next(iter(bad))):
        make(**{**GOOD, **bad})
