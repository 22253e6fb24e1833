"""Blocks that are taken whole or not at all."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from temper.network.convnet import ConvNet
from temper.network.group_norm import with_group_norm
from temper.network.layered import Layered
from temper.network.mlp import MLP
from temper.network.resnet import ResNet
from temper.network.taking import names, parts, take


def resnet(channels: int = 3, outputs: int = 4, **knobs: Any) -> ResNet:
    shape: dict[str, Any] = {"blocks": (1, 2), "widths": (4, 8), "connection": "residual", "bottleneck": False}
    return ResNet(channels, outputs, **shape | knobs)


def convnet() -> ConvNet:
    return ConvNet(
        3, 4, widths=(4, 6), convolutions=2, residual=True, between="gelu", pooling="max", offset=True, logit_scale=1.0
    )


MADE: dict[str, Callable[[], Layered]] = {
    "residual": resnet,
    "dense": lambda: resnet(connection="dense"),
    "preactivation": lambda: resnet(connection="preactivation"),
    "groups": lambda: with_group_norm(resnet()),
    "convnet": convnet,
    "mlp": lambda: MLP((3, 2), 4, hidden=(5, 6), between="relu", dropout=0.5),
    "linear": lambda: MLP((3, 2), 4, hidden=(), between="relu"),
}


def stirred(network: Layered) -> dict[str, torch.Tensor]:
    """Return a state of the network's shapes that no network has been given."""
    return {
        name: torch.rand_like(value) if value.is_floating_point() else value + 7
        for name, value in network.state_dict().items()
    }


@pytest.mark.parametrize("kind", MADE)
def test_like_into_like_is_all_of_it_to_the_bit(kind: str) -> None:
    network = MADE[kind]()
    source = stirred(network)
    assert take(network, source) == [True] * (len(network.blocks()) + 1)
    assert source.keys() == network.state_dict().keys()
    for name, value in network.state_dict().items():
        assert torch.equal(value, source[name]), name


def test_a_block_that_does_not_fit_is_left_whole() -> None:
    network, source = resnet(), stirred(resnet(channels=1, outputs=9))
    before = copy.deepcopy(network.state_dict())
    assert take(network, source) == [False, True, True, True, False]
    for name, value in network.state_dict().items():
        new = name.startswith(("stem.", "head."))  # also the stem's norm, whose shape is the same
        assert torch.equal(value, before[name] if new else source[name]), name


def test_a_deeper_network_takes_what_is_there() -> None:
    network = resnet(blocks=(1, 3))
    assert take(network, stirred(resnet())) == [True, True, True, True, False, True]


def test_another_norm_is_another_block_and_a_head_of_other_blocks_is_not_taken() -> None:
    for network, source in ((resnet(), with_group_norm(resnet())), (with_group_norm(resnet()), resnet())):
        before = copy.deepcopy(network.state_dict())
        assert take(network, stirred(source)) == [False] * 5
        assert torch.equal(network.state_dict()["head.weight"], before["head.weight"])


def test_a_state_that_counts_no_batches_is_taken() -> None:
    network = resnet()
    source = {name: value for name, value in stirred(network).items() if "num_batches" not in name}
    assert take(network, source) == [True] * 5
    assert network.state_dict()["stem.norm.num_batches_tracked"] == 0


def test_into_a_compiled_network_in_another_layout() -> None:
    network = resnet().to(memory_format=torch.channels_last)
    source = stirred(resnet())
    assert all(take(network, source))
    weight = network.stages[0][0].body.conv1.weight  # type: ignore[index, union-attr]
    assert torch.equal(weight, source["stages.0.0.body.conv1.weight"])
    assert weight.is_contiguous(memory_format=torch.channels_last)


def test_blocks_are_called_by_what_they_hold() -> None:
    network = MADE["dense"]()
    called = [names(network, part) for part in parts(network)]
    assert called[0] == ["stem"]
    assert called[-1] == ["head"]
    assert called[2] == ["stages.1.shortcut", "stages.1.bodies.0", "stages.1.merges.0"]
    mlp = MADE["mlp"]()
    assert [names(mlp, part) for part in parts(mlp)] == [["hidden.linear1"], ["hidden.linear2"], ["head"]]


def test_nothing_is_nothing() -> None:
    network = MLP((3,), 2, hidden=(), between="relu")
    before = nn.utils.parameters_to_vector(network.parameters()).clone()
    assert take(network, {}) == [False]
    assert torch.equal(nn.utils.parameters_to_vector(network.parameters()), before)
