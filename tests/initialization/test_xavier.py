"""Xavier against PyTorch's own draws, the paper's variance with each gain, and bad values."""

import math

import pytest
import torch
from pydantic import ValidationError
from torch import nn

from temper.initialization.xavier import Xavier

GAINS = {
    "linear": 1.0,
    "sigmoid": 1.0,
    "tanh": 5 / 3,
    "relu": math.sqrt(2),
    "leaky_relu": math.sqrt(2 / 1.0001),
    "selu": 0.75,
    0.5: 0.5,
}


def layers() -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(4, 64, 3, bias=False), nn.BatchNorm2d(64), nn.Linear(300, 200))


@pytest.mark.parametrize("distribution", ["normal", "uniform"])
@pytest.mark.parametrize("gain", ["tanh", 1.7])
def test_agrees_with_torch_under_the_same_seed(gain: str | float, distribution: str) -> None:
    network, oracle = layers(), layers()
    torch.manual_seed(3)
    Xavier(distribution=distribution, gain=gain).apply(network)
    torch.manual_seed(3)
    draw = nn.init.xavier_normal_ if distribution == "normal" else nn.init.xavier_uniform_
    for index in (0, 2):
        draw(oracle[index].weight, gain=GAINS.get(gain, gain))
        torch.testing.assert_close(network[index].weight, oracle[index].weight)
    assert network[2].bias.count_nonzero() == 0
    assert torch.equal(network[1].weight, torch.ones(64))


@pytest.mark.parametrize("distribution", ["normal", "uniform"])
@pytest.mark.parametrize(("gain", "factor"), GAINS.items())
def test_has_the_variance_of_the_paper(gain: str | float, factor: float, distribution: str) -> None:
    network = layers()
    torch.manual_seed(0)
    Xavier(distribution=distribution, gain=gain).apply(network)
    for index, fans in ((0, 4 * 9 + 64 * 9), (2, 500)):
        std = factor * math.sqrt(2 / fans)
        assert network[index].weight.std().item() == pytest.approx(std, rel=0.06)
        assert abs(network[index].weight.mean().item()) < 0.1 * std


def test_keeps_the_size_of_the_signal_both_ways_through_linear_layers() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(*(nn.Linear(256, 256) for _ in range(10)))
    Xavier(distribution="uniform", gain="linear").apply(network)
    inputs = torch.randn(64, 256, requires_grad=True)
    answer = network(inputs)
    back = torch.autograd.grad(answer, inputs, torch.randn_like(answer))[0]
    assert 0.5 < answer.square().mean().item() < 2
    assert 0.5 < back.square().mean().item() < 2


@pytest.mark.parametrize(
    "bad", [{"gain": 0.0}, {"gain": -1.0}, {"gain": "gelu"}, {"gain": True}, {"distribution": "cauchy"}]
)
def test_refuses(bad: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match=next(iter(bad))):
        Xavier(**{"distribution": "uniform", "gain": "linear", **bad})
