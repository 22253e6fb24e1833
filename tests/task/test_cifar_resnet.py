"""The CIFAR ResNet task: the networks that its knobs name, by their parameter counts, and bad values."""

from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from torch import nn
from torchvision.ops import StochasticDepth

from temper.facts import Facts
from temper.network.synced_norm import SyncedBatchNorm
from temper.quantity import Clock
from temper.task.cifar_resnet import CifarResNet, CifarResNetModule
from temper.task.ruler import judge

make: Callable[..., CifarResNet] = CifarResNet
GOOD = {
    "stages": 3,
    "depth": 20,
    "width": 1.0,
    "blocks": None,
    "widths": None,
    "connection": "residual",
    "dropout": None,
    "stochastic_depth": None,
    "norm": None,
    "stem": None,
}


def facts(outputs: int = 10, channels: int = 3) -> Facts:
    return Facts(
        kind="multiclass" if outputs > 1 else "binary",
        shape=(channels, 32, 32),
        outputs=outputs,
        classes=max(2, outputs),
        examples=8,
        class_counts=(),
        clock=Clock((0, 1)),
    )


def network(**knobs: object) -> nn.Module:
    with torch.device("meta"):
        return make(**{**GOOD, **knobs}).network(facts())


def count(net: nn.Module) -> int:
    return sum(weight.numel() for weight in net.parameters())


def weighted(net: nn.Module) -> int:
    """Return the layers that the depth counts: all with weights but the projections."""
    named = net.named_modules()
    return sum(isinstance(layer, nn.Conv2d | nn.Linear) for name, layer in named if "shortcut" not in name)


@pytest.mark.parametrize(
    ("stages", "depth", "known"),
    [  # He et al.'s counts; for three stages theirs, 0.27M ... 1.7M, plus 2,752 for the projections
        (3, 20, 272_474),
        (3, 32, 466_906),
        (3, 44, 661_338),
        (3, 56, 855_770),
        (3, 110, 1_730_714),
        (4, 18, 11_173_962),
        (4, 34, 21_282_122),
        (4, 50, 23_520_842),
    ],
)
def test_a_depth_names_its_network(stages: int, depth: int, known: int) -> None:
    net = network(stages=stages, depth=depth)
    assert count(net) == known
    assert weighted(net) == depth


def test_group_norm_takes_the_place_of_batch_norm() -> None:
    net, plain = network(norm="group"), network()
    assert count(net) == count(plain)
    assert not [layer for layer in net.modules() if isinstance(layer, nn.BatchNorm2d)]
    assert make(**GOOD).mixes_examples
    assert not make(**GOOD | {"norm": "group"}).mixes_examples
    with pytest.raises(ValidationError, match="norm"):
        network(norm="batch")


def test_synchronized_norms_take_the_place_of_batch_norm() -> None:
    net, plain = network(norm="sync"), network()
    assert net.state_dict().keys() == plain.state_dict().keys()
    norms = [layer for layer in net.modules() if isinstance(layer, nn.BatchNorm2d)]
    assert {type(layer) for layer in norms} == {SyncedBatchNorm}
    assert len(norms) == sum(isinstance(layer, nn.BatchNorm2d) for layer in plain.modules())
    assert make(**GOOD | {"norm": "sync"}).mixes_examples


def test_the_stem_of_photos_quarters_them() -> None:
    photos, small = network(stem="imagenet"), network()
    images = torch.zeros(2, 3, 64, 32, device="meta")
    assert photos.stem(images).shape == (2, 16, 16, 8)
    assert small.stem(images).shape == (2, 16, 64, 32)
    assert network(stem="imagenet", connection="preactivation").stem(images).shape == (2, 16, 16, 8)
    assert count(photos) - count(small) == (7 * 7 - 3 * 3) * 3 * 16
    with pytest.raises(ValidationError, match="stem"):
        network(stem="cifar")


@settings(deadline=None, max_examples=25)
@given(depth=st.integers(1, 60))
def test_three_stages_have_depths_of_six_n_plus_two(depth: int) -> None:
    if depth >= 8 and depth % 6 == 2:
        assert weighted(network(depth=depth)) == depth
        return
    with pytest.raises(ValidationError) as refusal:
        network(depth=depth)
    below, above = max(8, depth - (depth - 2) % 6), max(8, depth - (depth - 2) % 6 + 6)
    assert f"nearest: {below} and {above}." in str(refusal.value) or (depth < 8 and "nearest: 8." in str(refusal.value))


def test_stage_by_stage_is_the_same_network() -> None:
    whole = network(stages=4, depth=18)
    staged = network(stages=4, depth=None, blocks=[2, 2, 2, 2], widths=[64, 128, 256, 512])
    assert str(whole) == str(staged)
    assert [len(row) for row in network(depth=None, blocks=[1, 3, 2]).stages] == [1, 3, 2]


def test_width_stretches_every_stage() -> None:
    assert str(network(width=2.0)) == str(network(widths=[32, 64, 128]))
    assert str(network(width=0.5, widths=[32, 64, 128])) == str(network())
    assert network(width=0.001).head.in_features == 1


@pytest.mark.parametrize("connection", ["residual", "preactivation", "plain", "dense"])
@pytest.mark.parametrize("outputs", [1, 2, 10])
def test_connections_are_independent_of_the_rest(connection: str, outputs: int) -> None:
    net = make(**{**GOOD, "depth": 8, "width": 0.25, "connection": connection}).network(facts(outputs, channels=1))
    assert net(torch.randn(2, 1, 8, 8)).shape == ((2,) if outputs == 1 else (2, outputs))


@pytest.mark.parametrize("connection", ["residual", "preactivation"])
def test_blocks_are_dropped_the_more_often_the_deeper_they_lie(connection: str) -> None:
    net = network(depth=None, blocks=[2, 1, 2], connection=connection, stochastic_depth=0.5, dropout=0.25)
    drops = [layer.p for layer in net.modules() if isinstance(layer, StochasticDepth)]
    assert drops == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5])
    assert [layer.p for layer in net.modules() if isinstance(layer, nn.Dropout)] == [0.25]
    assert list(net.state_dict()) == list(network(depth=None, blocks=[2, 1, 2], connection=connection).state_dict())


@pytest.mark.parametrize("off", [None, 0.0])
def test_nothing_is_dropped_unless_asked_for(off: float | None) -> None:
    net = network(dropout=off, stochastic_depth=off)
    assert not [layer for layer in net.modules() if isinstance(layer, nn.Dropout | StochasticDepth)]


@pytest.mark.parametrize("outputs", [1, 3])
def test_judges_as_the_data_asks(outputs: int) -> None:
    module = CifarResNetModule.__new__(CifarResNetModule)
    nn.Module.__init__(module)
    module.facts = facts(outputs)
    prediction, target = torch.randn(6, outputs).squeeze(1), torch.arange(6) % 2
    assert str(module.judge(prediction, target)) == str(judge(prediction, target, module.facts))


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"stages": 2}, "stages"),
        ({"stages": 5}, "stages"),
        ({"depth": 7}, r"depth=7 .* 6n \+ 2 layers, from 8 on; nearest: 8\."),
        ({"depth": 18}, r"depth=18 is not a depth of stages=3.*nearest: 14 and 20\."),
        ({"depth": 21}, r"nearest: 20 and 26\."),
        ({"depth": 20, "stages": 4}, r"18, 34 or 50 layers; nearest: 18 and 34\."),
        ({"depth": 17, "stages": 4}, r"nearest: 18\."),
        ({"depth": 101, "stages": 4}, r"nearest: 50\."),
        ({"depth": 0}, "depth"),
        ({"depth": None}, "needs depth or blocks, and not both"),
        ({"blocks": [3, 3, 3]}, "needs depth or blocks, and not both"),
        ({"depth": None, "blocks": [2, 2, 2, 2]}, "blocks has 4 entries, but stages=3"),
        ({"depth": None, "blocks": [3, 0, 3]}, "blocks"),
        ({"depth": None, "blocks": []}, "blocks has 0 entries"),
        ({"widths": [16, 32]}, "widths has 2 entries, but stages=3"),
        ({"widths": [16, 32, 0]}, "widths"),
        ({"width": 0.0}, "width"),
        ({"width": -1.0}, "width"),
        ({"connection": "highway"}, "connection"),
        ({"dropout": 1.0}, "dropout"),
        ({"dropout": -0.1}, "dropout"),
        ({"stochastic_depth": 1.0}, "stochastic_depth"),
        ({"stochastic_depth": -0.1}, "stochastic_depth"),
        ({"stochastic_depth": 0.2, "connection": "plain"}, r"connection=plain has none: choose connection=residual"),
        ({"stochastic_depth": 0.2, "connection": "dense"}, r"connection=dense has none.*or stochastic_depth=null"),
    ],
)
def test_refuses(bad: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        make(**{**GOOD, **bad})
