"""All weights at zero: what a network then says, and which layers are spared."""

import torch
from torch import nn

from temper.initialization.zeros import Zeros


def test_the_network_says_nothing() -> None:
    network = nn.Sequential(nn.Conv2d(2, 3, 3, bias=False), nn.Flatten(), nn.Linear(3, 4))
    Zeros().apply(network)
    assert torch.equal(network(torch.randn(5, 2, 3, 3)), torch.zeros(5, 4))
    assert all(weight.count_nonzero() == 0 and weight.requires_grad for weight in network.parameters())


def test_norms_stay_the_identity() -> None:
    network = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3), nn.LayerNorm(3))
    Zeros().apply(network)
    for norm in network[1:]:
        assert torch.equal(norm.weight, torch.ones(3))
        assert torch.equal(norm.bias, torch.zeros(3))


def test_a_network_that_is_one_layer() -> None:
    layer = nn.Linear(2, 1)
    Zeros().apply(layer)
    assert layer(torch.ones(1, 2)).item() == 0
