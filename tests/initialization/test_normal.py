"""Normal weights against PyTorch's own draws, their moments, and bad values."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from torch import nn

from temper.initialization.normal import Normal


def layers() -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(4, 8, 3), nn.BatchNorm2d(8), nn.Linear(30, 20))


def test_agrees_with_torch_under_the_same_seed() -> None:
    network, oracle = layers(), layers()
    torch.manual_seed(3)
    Normal(mean=0.5, std=0.2).apply(network)
    torch.manual_seed(3)
    for index in (0, 2):
        nn.init.normal_(oracle[index].weight, 0.5, 0.2)
        assert torch.equal(network[index].weight, oracle[index].weight)
        assert network[index].bias.count_nonzero() == 0
    assert torch.equal(network[1].weight, torch.ones(8))
    assert network[1].bias.count_nonzero() == 0


@settings(deadline=None, max_examples=15)
@given(mean=st.floats(-2, 2), std=st.floats(0.01, 3))
def test_has_its_moments(mean: float, std: float) -> None:
    layer = nn.Linear(200, 100)
    torch.manual_seed(0)
    Normal(mean=mean, std=std).apply(layer)
    standard = (layer.weight.detach().double() - mean) / std
    assert standard.mean().item() == pytest.approx(0, abs=0.03)
    assert standard.std().item() == pytest.approx(1, rel=0.02)
    assert (standard.abs() < 1).double().mean().item() == pytest.approx(0.6827, abs=0.01)


@pytest.mark.parametrize(
    ("knob", "value"), [("std", 0.0), ("std", -0.1), ("std", float("inf")), ("mean", float("nan")), ("mean", "0")]
)
def test_refuses(knob: str, value: object) -> None:
    with pytest.raises(ValidationError, match=knob):
        Normal(**{"mean": 0.0, "std": 0.05, knob: value})
