"""One group that holds everything once, in order."""

import torch
from torch import nn

from temper.groups.all import All


def test_holds_every_parameter_that_learns_once_and_in_order() -> None:
    net = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Linear(3, 3), nn.Linear(3, 3))
    net[3].weight = net[2].weight
    net[0].bias.requires_grad_(False)
    (group,) = All().build(net)
    assert group.names == ("0.weight", "1.weight", "1.bias", "2.weight", "2.bias", "3.bias")
    assert [id(p) for p in group.parameters] == [id(net.get_parameter(name)) for name in group.names]
    assert (group.rate, group.decay) == (1.0, 1.0)


def test_is_empty_where_nothing_learns() -> None:
    assert All().build(nn.ReLU()) == []
    assert All().build(nn.Linear(2, 2).requires_grad_(False)) == []


def test_includes_what_stands_beside_the_network() -> None:
    module = nn.ModuleDict({"network": nn.Linear(2, 1), "weigher": nn.ParameterDict({"s": torch.zeros(())})})
    (group,) = All().build(module)
    assert group.names == ("network.weight", "network.bias", "weigher.s")
