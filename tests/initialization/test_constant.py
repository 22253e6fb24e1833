"""Constant weights: every weight and bias, which layers are spared, why units stay alike, and bad values."""

import pytest
import torch
from pydantic import ValidationError
from torch import nn

from temper.initialization.constant import Constant


def test_sets_weights_and_biases_and_spares_norms() -> None:
    network = nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.Flatten(), nn.Linear(3, 4), nn.LayerNorm(4))
    Constant(weight=0.25, bias=-2.0).apply(network)
    for index in (0, 3):
        assert torch.equal(network[index].weight, torch.full_like(network[index].weight, 0.25))
        assert torch.equal(network[index].bias, torch.full_like(network[index].bias, -2.0))
        assert network[index].weight.requires_grad
    for index in (1, 4):
        assert torch.equal(network[index].weight, torch.ones_like(network[index].weight))
        assert network[index].bias.count_nonzero() == 0
    inputs = torch.rand(5, 2, 3, 3)
    expected = (inputs.sum((1, 2, 3)) * 0.25 - 2)[:, None].expand(5, 3)
    torch.testing.assert_close(network[0](inputs).flatten(1), expected)


def test_units_of_a_layer_stay_alike() -> None:
    network = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))
    Constant(weight=0.1, bias=0.0).apply(network)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    inputs, targets = torch.randn(16, 4), torch.randn(16, 1)
    for _ in range(5):
        optimizer.zero_grad()
        (network(inputs) - targets).square().mean().backward()
        optimizer.step()
    weight = network[0].weight
    assert not torch.allclose(weight, torch.full_like(weight, 0.1))
    torch.testing.assert_close(weight, weight[:1].expand_as(weight))


@pytest.mark.parametrize(
    ("knob", "value"), [("weight", float("inf")), ("weight", "1"), ("bias", float("nan")), ("bias", True)]
)
def test_refuses(knob: str, value: object) -> None:
    with pytest.raises(ValidationError, match=knob):
        Constant(**{"weight": 0.1, "bias": 0.0, knob: value})
