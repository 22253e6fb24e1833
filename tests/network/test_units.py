"""What a unit owns: zeroing it is not reading it, in every network of the house, and nothing else is touched."""

from typing import Any

import pytest
import torch
from torch import nn

from temper.network.convnet import ConvNet
from temper.network.group_norm import with_group_norm
from temper.network.layered import Layered
from temper.network.linear import Linear
from temper.network.mlp import MLP
from temper.network.resnet import ResNet
from temper.network.units import Units

SHAPE: dict[str, Any] = {"blocks": [2, 1], "widths": [4, 6]}
STAGES: dict[str, Any] = {"widths": [4, 5], "pooling": "max", "offset": True, "logit_scale": 0.5}
PIXELS, ROWS = (3, 8, 8), (7,)
NETWORKS: dict[str, tuple[tuple[int, ...], list[int]]] = {  # shape of an input, and how many units each kind has
    "mlp relu": (ROWS, [4, 5, 6]),
    "mlp sigmoid": (ROWS, [4, 5, 6]),
    "residual": (PIXELS, [4, 4, 6]),
    "preactivation": (PIXELS, [4, 4, 6]),
    "plain": (PIXELS, [4, 4, 6]),
    "dense": (PIXELS, [4, 4, 6]),
    "residual bottleneck": (PIXELS, [4, 4, 4, 4, 6, 6]),
    "preactivation bottleneck": (PIXELS, [4, 4, 4, 4, 6, 6]),
    "convnet gelu 1": (PIXELS, [4, 5]),
    "convnet softplus 3": (PIXELS, [4, 4, 4, 5, 5, 5]),
    "convnet gelu 1 added": (PIXELS, [4, 5]),
    "convnet softplus 2 added": (PIXELS, [4, 5]),
    "convnet gelu 3 added": (PIXELS, [4, 4, 5, 5]),
}


def network(name: str) -> Layered:
    """Return the network of that name in float64, every parameter and statistic of its norms drawn."""
    torch.manual_seed(0)
    first, *words = name.split()
    made: Layered
    if first == "mlp":
        made = MLP(ROWS, 2, hidden=[4, 5, 6], between=words[0])  # type: ignore[arg-type]
    elif first == "convnet":
        made = ConvNet(
            3, 2, between=words[0], convolutions=int(words[1]), residual="added" in words, **STAGES
        )  # type: ignore[arg-type]
    else:
        made = ResNet(3, 2, connection=first, bottleneck="bottleneck" in words, **SHAPE)  # type: ignore[arg-type]
    for layer in made.modules():
        if isinstance(layer, nn.BatchNorm2d):
            for values, low in ((layer.running_mean, -1), (layer.bias, -1), (layer.running_var, 0.5), (layer.weight, 0.5)):
                assert values is not None
                nn.init.uniform_(values, low, 2)
    return made.double().eval()


def inputs(name: str) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(3, *NETWORKS[name][0], generator=generator, dtype=torch.float64)


def every_other(units: Units) -> torch.Tensor:
    return torch.arange(len(units)) % 2 == 0


@pytest.mark.parametrize("name", NETWORKS)
def test_are_as_many_as_there_are_channels(name: str) -> None:
    assert [len(units) for units in network(name).units()] == NETWORKS[name][1]


@pytest.mark.parametrize("name", NETWORKS)
def test_no_parameter_is_owned_twice_along_an_axis(name: str) -> None:
    owned = [(id(weight), axis) for units in network(name).units() for weight, axis in units.owned()]
    assert len(set(owned)) == len(owned) > 0


@pytest.mark.parametrize("name", NETWORKS)
def test_what_is_removed_is_as_if_it_were_not_read(name: str) -> None:
    original, masked = network(name), network(name)
    for units, twins in zip(original.units(), masked.units(), strict=True):
        gone = every_other(units)
        twins.remove(gone)
        for reader in units.readers:
            reader.register_forward_pre_hook(unread(gone))
    answer = original(inputs(name))
    assert not torch.allclose(answer, network(name)(inputs(name)))
    torch.testing.assert_close(masked(inputs(name)), answer)


def unread(gone: torch.Tensor) -> Any:
    def hook(layer: nn.Module, given: tuple[torch.Tensor]) -> torch.Tensor:
        return given[0] * (~gone).view(1, -1, *[1] * (given[0].dim() - 2))

    return hook


@pytest.mark.parametrize("name", NETWORKS)
def test_is_removed_once_it_owns_nothing(name: str) -> None:
    for units in network(name).units():
        assert not units.removed().any()
        gone = every_other(units)
        units.remove(gone)
        assert torch.equal(units.removed(), gone)
        for weight, axis in units.owned():
            with torch.no_grad():
                weight.select(axis, 0).fill_(1e-30)
            assert not units.removed()[0]
            units.remove(gone)


def test_nothing_may_go_from_a_line_nor_from_channels_that_a_group_norm_ties() -> None:
    assert Linear(3).units() == []
    assert MLP(ROWS, 2, hidden=[], between="relu").units() == []
    assert with_group_norm(ResNet(3, 2, connection="residual", bottleneck=True, **SHAPE)).units() == []
