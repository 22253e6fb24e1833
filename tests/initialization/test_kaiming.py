"""Kaiming against PyTorch's own draws, its variance, and bad values."""

import math

import pytest
import torch
from pydantic import ValidationError
from torch import nn

from temper.initialization.kaiming import Kaiming


def layers() -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(4, 64, 3, bias=False), nn.BatchNorm2d(64), nn.Linear(300, 200))


@pytest.mark.parametrize("mode", ["fan_in", "fan_out"])
@pytest.mark.parametrize("distribution", ["normal", "uniform"])
def test_agrees_with_torch_under_the_same_seed(mode: str, distribution: str) -> None:
    network, oracle = layers(), layers()
    torch.manual_seed(3)
    Kaiming(mode=mode, distribution=distribution).apply(network)
    torch.manual_seed(3)
    for index in (0, 2):
        draw = nn.init.kaiming_normal_ if distribution == "normal" else nn.init.kaiming_uniform_
        draw(oracle[index].weight, mode=mode, nonlinearity="relu")
        assert torch.equal(network[index].weight, oracle[index].weight)
    assert network[2].bias.count_nonzero() == 0


@pytest.mark.parametrize("distribution", ["normal", "uniform"])
@pytest.mark.parametrize(("mode", "fans"), [("fan_in", (36, 300)), ("fan_out", (576, 200))])
def test_has_the_variance_of_the_paper(mode: str, fans: tuple[int, int], distribution: str) -> None:
    network = layers()
    torch.manual_seed(0)
    Kaiming(mode=mode, distribution=distribution).apply(network)
    for index, fan in zip((0, 2), fans, strict=True):
        assert network[index].weight.std().item() == pytest.approx(math.sqrt(2 / fan), rel=0.06)
        assert abs(network[index].weight.mean().item()) < 0.1 * math.sqrt(2 / fan)


def test_keeps_the_size_of_the_signal_through_relu_layers() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(*[layer for _ in range(10) for layer in (nn.Linear(256, 256), nn.ReLU())])
    Kaiming(mode="fan_in", distribution="normal").apply(network)
    ratio = network(torch.randn(64, 256)).square().mean().item()
    assert 0.4 < ratio < 2.5


def test_norms_stay_as_they_were() -> None:
    network = layers()
    before = {name: value.clone() for name, value in network[1].state_dict().items()}
    Kaiming(mode="fan_in", distribution="normal").apply(network)
    assert all(torch.equal(value, before[name]) for name, value in network[1].state_dict().items())


@pytest.mark.parametrize("bad", [{"mode": "fan_avg"}, {"distribution": "cauchy"}])
def test_refuses(bad: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match=next(iter(bad))):
        Kaiming(**{"mode": "fan_in", "distribution": "normal", **bad})
