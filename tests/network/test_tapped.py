"""Layers that are listened to by name, and what they put out."""

import pytest
import torch
from torch import Tensor, nn

from temper.network.convnet import ConvNet
from temper.network.linear import Linear
from temper.network.mlp import MLP
from temper.network.resnet import ResNet
from temper.network.tapped import feature_shapes, layer_name, tap


def resnet(connection: str = "residual") -> ResNet:
    return ResNet(3, 10, blocks=[1, 1], widths=[4, 8], connection=connection, bottleneck=False)  # type: ignore[arg-type]


def test_each_pass_fills_in_what_was_put_out() -> None:
    network, features = MLP((3,), 2, hidden=[4, 5], between="relu"), dict[str, Tensor]()
    handles = tap(network, ["hidden.linear1", "hidden", "hidden"], features)
    for _ in range(2):
        inputs = torch.randn(6, 3)
        network(inputs)
        assert list(features) == ["hidden.linear1", "hidden"]
        assert torch.equal(features["hidden.linear1"], network.hidden[0](inputs))
        assert torch.equal(features["hidden"], network.hidden(inputs))
    for handle in handles:
        handle.remove()
    features.clear()
    network(inputs)
    assert features == {}


@pytest.mark.parametrize(
    ("network", "last"),
    [
        (MLP((3,), 2, hidden=[4, 5], between="relu"), "hidden.activation2"),
        (MLP((3,), 2, hidden=[4], between="relu", dropout=0.5), "hidden.dropout1"),
        (resnet(), "activation"),
        (resnet("dense"), "activation"),
        (
            ConvNet(
                3, 10, widths=[4, 4], convolutions=2, residual=False, between="relu", pooling="max", offset=True,
                logit_scale=1.0,
            ),
            "stages.1",
        ),
    ],
)  # fmt: skip
def test_the_last_layer_before_the_head(network: nn.Module, last: str) -> None:
    assert layer_name(network, None) == last
    assert layer_name(network, "head") == "head"


def test_there_may_be_none() -> None:
    for network in (Linear(3), MLP((3,), 2, hidden=[], between="relu")):
        with pytest.raises(ValueError, match=r"its head alone, .*name head"):
            layer_name(network, None)
    with pytest.raises(ValueError, match=r"no layer of that name; did you mean stages\.1\?"):
        layer_name(resnet(), "stages.11")


def test_shapes_leave_the_network_as_it_was() -> None:
    network = resnet().double()
    before = {name: entry.clone() for name, entry in network.state_dict().items()}
    found = feature_shapes(network, ["stem", "stages.1", "activation", "head"], (3, 9, 8))
    assert found == [(4, 9, 8), (8, 5, 4), (8, 5, 4), (10,)]
    assert network.training
    assert network.stem.training
    assert all(torch.equal(entry, before[name]) for name, entry in network.state_dict().items())
    assert not any(layer._forward_hooks for layer in network.modules())


def test_a_layer_that_only_holds_others_puts_nothing_out() -> None:
    with pytest.raises(ValueError, match=r"layer stages\.0\.bodies only holds others, .*stages\.0\.bodies\.0"):
        feature_shapes(resnet("dense"), ["stages.0.bodies"], (3, 8, 8))
