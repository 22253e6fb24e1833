"""What a unit owns: zeroing it is not reading it, in every network of the house, and nothing else is touched."""

from typing import Any

import pytest
import torch
from tests.network.conftest import NETWORKS, ROWS, SHAPE, inputs, network
from torch import nn

from temper.network.group_norm import with_group_norm
from temper.network.linear import Linear
from temper.network.mlp import MLP
from temper.network.resnet import ResNet
from temper.network.units import Units


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
