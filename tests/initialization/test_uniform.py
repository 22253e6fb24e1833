"""Uniform weights against PyTorch's own draws, their bounds and variance, and bad values."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from torch import nn

from temper.initialization.uniform import Uniform


def layers() -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(4, 8, 3), nn.BatchNorm2d(8), nn.Linear(30, 20))


def test_agrees_with_torch_under_the_same_seed() -> None:
    network, oracle = layers(), layers()
    torch.manual_seed(3)
    Uniform(low=-0.3, high=0.5).apply(network)
    torch.manual_seed(3)
    for index in (0, 2):
        nn.init.uniform_(oracle[index].weight, -0.3, 0.5)
        assert torch.equal(network[index].weight, oracle[index].weight)
        assert network[index].bias.count_nonzero() == 0
    assert torch.equal(network[1].weight, torch.ones(8))
    assert network[1].bias.count_nonzero() == 0


@settings(deadline=None, max_examples=15)
@given(low=st.floats(-2, 2), width=st.floats(0.01, 3))
def test_fills_the_interval(low: float, width: float) -> None:
    layer = nn.Linear(200, 100)
    torch.manual_seed(0)
    Uniform(low=low, high=low + width).apply(layer)
    weight = layer.weight.detach()
    assert low - 1e-6 <= weight.min() < low + 0.01 * width
    assert low + 0.99 * width < weight.max() <= low + width + 1e-6
    assert weight.std().item() == pytest.approx(width / math.sqrt(12), rel=0.02)
    assert weight.mean().item() == pytest.approx(low + width / 2, abs=0.02 * width)


@pytest.mark.parametrize(
    ("low", "high", "message"),
    [
        (0.1, 0.1, "low=0.1 must be < high=0.1.*initialization=constant"),
        (0.2, 0.1, "low=0.2 must be < high=0.1"),
        (-float("inf"), 0.1, "low"),
        (0.1, "1", "high"),
    ],
)
def test_refuses(low: object, high: object, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Uniform(low=low, high=high)
