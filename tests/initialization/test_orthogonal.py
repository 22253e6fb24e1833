"""Orthogonal weights against PyTorch's own draws, their singular values, and bad values."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from torch import nn

from temper.initialization.orthogonal import Orthogonal


def test_agrees_with_torch_under_the_same_seed() -> None:
    network = nn.Sequential(nn.Conv2d(3, 5, 3), nn.BatchNorm2d(5), nn.Linear(7, 4))
    oracle = nn.Sequential(nn.Conv2d(3, 5, 3), nn.BatchNorm2d(5), nn.Linear(7, 4))
    torch.manual_seed(2)
    Orthogonal(gain=1.5).apply(network)
    torch.manual_seed(2)
    for index in (0, 2):
        nn.init.orthogonal_(oracle[index].weight, gain=1.5)
        assert torch.equal(network[index].weight, oracle[index].weight)
        assert network[index].bias.count_nonzero() == 0
    assert torch.equal(network[1].weight, torch.ones(5))


@settings(deadline=None, max_examples=25)
@given(rows=st.integers(1, 12), columns=st.integers(1, 12), gain=st.floats(0.1, 3.0))
def test_every_singular_value_is_the_gain(rows: int, columns: int, gain: float) -> None:
    layer = nn.Linear(columns, rows)
    Orthogonal(gain=gain).apply(layer)
    values = torch.linalg.svdvals(layer.weight.detach())
    torch.testing.assert_close(values, torch.full_like(values, gain), rtol=1e-4, atol=1e-4)


def test_a_deep_linear_network_keeps_lengths() -> None:
    network = nn.Sequential(*[nn.Linear(16, 16) for _ in range(20)])
    Orthogonal(gain=1.0).apply(network)
    x = torch.randn(5, 16)
    torch.testing.assert_close(network(x).norm(dim=1), x.norm(dim=1), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("gain", [0.0, -1.0, float("inf"), True, "1"])
def test_refuses(gain: object) -> None:
    with pytest.raises(ValidationError, match="gain"):
        Orthogonal(gain=gain)
