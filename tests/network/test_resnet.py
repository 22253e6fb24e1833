"""The ResNet against torchvision's blocks in a row, parameter counts by formula, and over shapes."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torchvision.models.resnet import BasicBlock
from torchvision.models.resnet import ResNet as TorchvisionResNet

from temper.network.block import Connection
from temper.network.resnet import ResNet

CONNECTIONS: tuple[Connection, ...] = ("residual", "preactivation", "plain", "dense")


def small(connection: Connection = "residual", *, channels: int = 3, outputs: int = 10, stages: int = 3) -> ResNet:
    return ResNet(
        channels,
        outputs,
        blocks=[2] * stages,
        widths=[4, 8, 8, 16][:stages],
        connection=connection,
        bottleneck=False,
    )


def count(network: nn.Module) -> int:
    return sum(weight.numel() for weight in network.parameters())


def by_formula(channels: int, outputs: int, blocks: list[int], widths: list[int], bottleneck: bool) -> int:
    """Residual network: 9 weights for each pair of channels of a 3x3 convolution, 2 for each channel of a norm."""
    total, inputs = 9 * channels * widths[0] + 2 * widths[0], widths[0]
    for index, (number, width) in enumerate(zip(blocks, widths, strict=True)):
        out = 4 * width if bottleneck else width
        for block in range(number):
            if bottleneck:
                total += inputs * width + 9 * width * width + width * out + 4 * width + 2 * out
            else:
                total += 9 * inputs * width + 9 * width * width + 4 * width
            if block == 0 and (index > 0 or inputs != out):
                total += inputs * out + 2 * out
            inputs = out
    return total + inputs * outputs + outputs


def test_agrees_with_torchvision_but_for_the_stem() -> None:
    torch.manual_seed(0)
    theirs = TorchvisionResNet(BasicBlock, [2, 2, 2, 2], num_classes=10)
    theirs.conv1, theirs.maxpool = nn.Conv2d(3, 64, 3, padding=1, bias=False), nn.Identity()
    ours = ResNet(3, 10, blocks=[2, 2, 2, 2], widths=[64, 128, 256, 512], connection="residual", bottleneck=False)
    # Both hold stem, stages and head in this order, and within a block the convolutions before the shortcut.
    ours.load_state_dict(dict(zip(ours.state_dict(), theirs.state_dict().values(), strict=True)))
    assert count(ours) == count(theirs) == 11_173_962
    images = torch.randn(2, 3, 16, 16)
    torch.testing.assert_close(ours.eval()(images), theirs.eval()(images))


@pytest.mark.parametrize(
    ("blocks", "widths", "bottleneck", "known"),
    [
        ([3, 3, 3], [16, 32, 64], False, 272_474),  # 269,722 in He et al.'s parameter-free shortcuts, + 2,752
        ([9, 9, 9], [16, 32, 64], False, 855_770),
        ([2, 2, 2, 2], [64, 128, 256, 512], False, 11_173_962),
        ([3, 4, 6, 3], [64, 128, 256, 512], False, 21_282_122),
        ([3, 4, 6, 3], [64, 128, 256, 512], True, 23_520_842),
    ],
)
def test_parameter_counts(blocks: list[int], widths: list[int], bottleneck: bool, known: int) -> None:
    with torch.device("meta"):
        network = ResNet(3, 10, blocks=blocks, widths=widths, connection="residual", bottleneck=bottleneck)
    assert count(network) == known == by_formula(3, 10, blocks, widths, bottleneck)


@settings(deadline=None, max_examples=25)
@given(
    channels=st.integers(1, 4),
    outputs=st.integers(1, 3),
    blocks=st.lists(st.integers(1, 3), min_size=1, max_size=4),
    data=st.data(),
    bottleneck=st.booleans(),
)
def test_parameter_counts_by_formula(
    channels: int, outputs: int, blocks: list[int], data: st.DataObject, bottleneck: bool
) -> None:
    widths = data.draw(st.lists(st.integers(1, 5), min_size=len(blocks), max_size=len(blocks)))
    network = ResNet(channels, outputs, blocks=blocks, widths=widths, connection="residual", bottleneck=bottleneck)
    assert count(network) == by_formula(channels, outputs, blocks, widths, bottleneck)


@pytest.mark.parametrize("connection", CONNECTIONS)
@pytest.mark.parametrize("stages", [3, 4])
@pytest.mark.parametrize(("channels", "height", "width"), [(3, 8, 8), (1, 13, 9), (2, 32, 8)])
def test_takes_images_of_any_size(connection: Connection, stages: int, channels: int, height: int, width: int) -> None:
    images = torch.randn(2, channels, height, width)
    assert small(connection, channels=channels, stages=stages)(images).shape == (2, 10)
    assert small(connection, channels=channels, stages=stages, outputs=1)(images).shape == (2,)


@pytest.mark.parametrize("stages", [3, 4])
def test_takes_the_smallest_images(stages: int) -> None:
    side = 2 ** (stages - 1)
    features = []
    network = small(stages=stages)
    network.stages.register_forward_hook(lambda module, inputs, output: features.append(output.shape[-2:]))
    network(torch.randn(2, 3, side, side))
    assert features == [(1, 1)]


@pytest.mark.parametrize("connection", CONNECTIONS)
def test_every_parameter_learns(connection: Connection) -> None:
    torch.manual_seed(0)
    network = small(connection)
    network(torch.randn(4, 3, 8, 8)).square().sum().backward()
    assert all(weight.grad is not None and weight.grad.abs().sum() > 0 for weight in network.parameters())


def test_plain_has_the_residual_network_without_its_projections() -> None:
    projections = (4 * 8 + 2 * 8) + (8 * 8 + 2 * 8)
    assert count(small("residual")) - count(small("plain")) == projections


def test_preactivation_normalises_before_the_head() -> None:
    network = small("preactivation").eval()
    seen = []
    network.head.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    network(torch.randn(2, 3, 8, 8))
    assert seen[0].min() >= 0
    assert [type(layer) for layer in network.stem] == [nn.Conv2d]


def test_a_dropped_channel_is_hidden_from_the_head() -> None:
    network = ResNet(3, 5, blocks=[1], widths=[8], connection="plain", bottleneck=False, dropout=0.4).eval()
    network.dropout.train()
    pooled, seen = [], []
    network.dropout.register_forward_hook(lambda module, inputs, output: pooled.append(inputs[0]))
    network.head.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    network(torch.randn(500, 3, 6, 6))
    there = pooled[0] > 0
    silent = seen[0][there] == 0
    torch.testing.assert_close(seen[0][there][~silent], pooled[0][there][~silent] / 0.6)
    assert abs(silent.double().mean().item() - 0.4) < 5 * (0.4 * 0.6 / len(silent)) ** 0.5
