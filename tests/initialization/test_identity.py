"""Layers at the identity hand on what they get; those that are not square, their first inputs."""

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from temper.initialization.identity import Identity


def identity(layers: Any = "all", rest: Any = "zeros") -> Identity:
    return Identity(layers=layers, rest=rest)


@settings(deadline=None, max_examples=25)
@given(inputs=st.integers(1, 8), outputs=st.integers(1, 8))
def test_the_first_inputs_go_through_and_the_rest_is_nothing(inputs: int, outputs: int) -> None:
    dense, convolution = nn.Linear(inputs, outputs), nn.Conv2d(inputs, outputs, 3, padding=1)
    identity().apply(nn.ModuleList([dense, convolution]))
    rows, images = torch.randn(5, inputs), torch.randn(2, inputs, 4, 6)
    through = min(inputs, outputs)
    for answer, given_ in ((dense(rows), rows), (convolution(images), images)):
        assert torch.equal(answer[:, :through], given_[:, :through])
        assert answer.shape[1] == outputs
        assert answer[:, through:].count_nonzero() == 0


def test_a_stride_skips_pixels_and_a_one_by_one_is_the_identity() -> None:
    strided, projection = nn.Conv2d(3, 3, 3, stride=2, padding=1, bias=False), nn.Conv2d(3, 3, 1)
    identity().apply(nn.ModuleList([strided, projection]))
    images = torch.randn(2, 3, 6, 6)
    assert torch.equal(strided(images), images[:, :, ::2, ::2])
    assert torch.equal(projection(images), images)


def test_groups_hand_on_their_own_channels() -> None:
    depthwise = nn.Conv2d(4, 4, 3, padding=1, groups=2)
    identity().apply(depthwise)
    images = torch.randn(2, 4, 5, 5)
    assert torch.equal(depthwise(images), images)


def test_biases_are_zero_and_norms_stay() -> None:
    network = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3))
    before = {name: value.clone() for name, value in network[1].state_dict().items()}
    identity().apply(network)
    assert network[0].bias.count_nonzero() == 0
    assert all(torch.equal(value, before[name]) for name, value in network[1].state_dict().items())


@pytest.mark.parametrize(("widths", "learns"), [((6, 6, 6), True), ((3, 6, 3), False)])
def test_units_beyond_the_narrower_side_never_learn_behind_a_relu(widths: tuple[int, int, int], learns: bool) -> None:
    first, second = nn.Linear(widths[0], widths[1]), nn.Linear(widths[1], widths[2])
    network = nn.Sequential(first, nn.ReLU(), second)
    identity().apply(network)
    network(torch.rand(8, widths[0])).square().sum().backward()
    assert bool(first.weight.grad[3:].count_nonzero() or second.weight.grad[:, 3:].count_nonzero()) == learns


def test_the_rest_may_stay_as_it_was_born() -> None:
    wide, deep = nn.Conv2d(2, 5, 3, padding=1, bias=False), nn.Conv2d(5, 2, 3, padding=1, bias=False)
    born = wide.weight.detach().clone()
    identity(rest="default").apply(nn.ModuleList([wide, deep]))
    images = torch.randn(2, 2, 4, 4)
    assert torch.equal(wide(images)[:, :2], images)
    assert torch.equal(wide.weight[2:], born[2:])
    assert torch.equal(deep(wide(images)), images)


def test_linear_layers_may_stay_as_they_were_born() -> None:
    network = nn.ModuleList([nn.Linear(3, 3), nn.Conv2d(3, 3, 3)])
    born = [weight.detach().clone() for weight in network[0].parameters()]
    identity(layers="convolutions").apply(network)
    assert all(torch.equal(one, other) for one, other in zip(network[0].parameters(), born, strict=True))
    assert network[1].weight.count_nonzero() == 3
