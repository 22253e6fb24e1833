"""Blocks against torchvision's and against the papers' equations written out."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models.resnet import BasicBlock, Bottleneck

from temper.network.block import (
    DenseStage,
    PlainBlock,
    PreactivationBlock,
    ResidualBlock,
    convolution,
    shortcut,
    stage,
)


def shaken(network: nn.Module) -> nn.Module:
    """Give every norm its own statistics, scale and shift, so that none is the identity by chance."""
    torch.manual_seed(1)
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            for values in (layer.running_mean, layer.bias.data):
                values.normal_()
            for values in (layer.running_var, layer.weight.data):
                values.uniform_(0.5, 2)
    return network


def same_weights(ours: nn.Module, theirs: nn.Module) -> None:
    """Copy our state into torchvision's block by the order of layers of the same kind."""
    renamed = {}
    for key, value in ours.state_dict().items():
        key = key.replace("shortcut.conv", "downsample.0").replace("shortcut.norm", "downsample.1")
        renamed[key.replace("body.conv", "conv").replace("body.norm", "bn")] = value
    theirs.load_state_dict(renamed)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(
    ("inputs", "width", "stride", "bottleneck"),
    [
        (4, 4, 1, False),
        (4, 8, 2, False),
        (4, 6, 1, False),
        (4, 4, 2, False),
        (16, 4, 1, True),
        (4, 4, 1, True),
        (16, 8, 2, True),
    ],
)
def test_residual_block_agrees_with_torchvision(
    inputs: int, width: int, stride: int, bottleneck: bool, training: bool
) -> None:
    kind, outputs = (Bottleneck, 4 * width) if bottleneck else (BasicBlock, width)
    ours = shaken(ResidualBlock(inputs, width, stride, bottleneck)).train(training)
    changes = stride != 1 or inputs != outputs
    down = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))
    theirs = kind(inputs, width, stride, down if changes else None).train(training)
    same_weights(ours, theirs)
    x = torch.randn(3, inputs, 7, 7)
    torch.testing.assert_close(ours(x), theirs(x))


def normed(layer: nn.BatchNorm2d, x: Tensor) -> Tensor:
    """Batch norm in eval mode, by its formula."""
    mean, var, scale, shift = (
        t[:, None, None] for t in (layer.running_mean, layer.running_var, layer.weight, layer.bias)
    )
    return (x - mean) / (var + layer.eps).sqrt() * scale + shift


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize(("inputs", "stride"), [(4, 1), (3, 2)])
def test_preactivation_block_agrees_with_the_paper(inputs: int, stride: int, first: bool) -> None:
    if not first and stride == 2:
        stride, inputs = 1, 4
    block = shaken(PreactivationBlock(inputs, 4, stride, False, first=first)).eval()
    x = torch.randn(2, inputs, 6, 6)
    active = normed(block.activation.norm, x).relu()
    said = F.conv2d(active, block.body.conv1.weight, stride=stride, padding=1)
    said = F.conv2d(normed(block.body.norm1, said).relu(), block.body.conv2.weight, padding=1)
    kept = active if first else x
    if stride == 2:
        kept = F.conv2d(kept, block.shortcut.weight, stride=2)
    torch.testing.assert_close(block(x), said + kept)


@pytest.mark.parametrize("bottleneck", [False, True])
def test_plain_block_is_a_residual_block_without_its_shortcut(bottleneck: bool) -> None:
    plain = shaken(PlainBlock(3, 4, 2, bottleneck)).eval()
    residual = ResidualBlock(3, 4, 2, bottleneck).eval()
    residual.load_state_dict(plain.state_dict(), strict=False)
    nn.init.zeros_(residual.shortcut.norm.weight)
    nn.init.zeros_(residual.shortcut.norm.bias)
    x = torch.randn(2, 3, 6, 6)
    torch.testing.assert_close(plain(x), residual(x))


def test_a_dense_block_sees_the_whole_of_its_stage() -> None:
    dense = shaken(DenseStage(3, 4, 3, 2, False)).eval()
    x = torch.randn(2, 3, 6, 6)
    seen = normed(dense.shortcut.norm, F.conv2d(x, dense.shortcut.conv.weight, stride=2))
    merged, stride = x, 2
    for body, merge in zip(dense.bodies, dense.merges, strict=True):
        said = F.conv2d(merged, body.conv1.weight, stride=stride, padding=1)
        said = F.conv2d(normed(body.norm1, said).relu(), body.conv2.weight, padding=1)
        seen = torch.cat([seen, normed(body.norm2, said).relu()], dim=1)
        merged = normed(merge.norm, torch.einsum("oc,nchw->nohw", merge.conv.weight[:, :, 0, 0], seen)).relu()
        stride = 1
    torch.testing.assert_close(dense(x), merged)


@pytest.mark.parametrize("connection", ["residual", "preactivation", "plain", "dense"])
@pytest.mark.parametrize("bottleneck", [False, True])
def test_a_stage_strides_once_and_has_its_width(connection: str, bottleneck: bool) -> None:
    row = stage(connection, 3, 2, 3, 2, bottleneck)
    assert row(torch.randn(2, 3, 8, 6)).shape == (2, 8 if bottleneck else 2, 4, 3)
    convolutions = [layer for layer in row.modules() if isinstance(layer, nn.Conv2d)]
    assert all(layer.bias is None for layer in convolutions)
    changes = {"residual": 1, "preactivation": 1, "plain": 0, "dense": 1 + 3}[connection]
    assert len(convolutions) == 3 * (3 if bottleneck else 2) + changes


def test_a_residual_block_whose_body_is_silent_hands_its_input_on() -> None:
    block = ResidualBlock(4, 4, 1, False)
    nn.init.zeros_(block.body.norm2.weight)
    x = torch.rand(2, 4, 5, 5)
    torch.testing.assert_close(block(x), x)


def test_a_shortcut_projects_only_where_the_shape_changes() -> None:
    assert isinstance(shortcut(4, 4, 1), nn.Identity)
    assert len(list(shortcut(4, 8, 1).parameters())) == 3
    assert len(list(shortcut(4, 4, 2).parameters())) == 3


@pytest.mark.parametrize("size", [1, 3])
def test_a_convolution_keeps_the_image_size(size: int) -> None:
    assert convolution(2, 3, size)(torch.zeros(1, 2, 5, 4)).shape == (1, 3, 5, 4)


def droppable(kind: str, drop: float) -> ResidualBlock | PreactivationBlock:
    """Return a block whose norms are fixed, and which drops as in training."""
    if kind == "residual":
        block: ResidualBlock | PreactivationBlock = ResidualBlock(3, 4, 1, False, drop=drop)
    else:
        block = PreactivationBlock(3, 4, 1, False, first=True, drop=drop)
    shaken(block).eval().drop.train()
    return block


@pytest.mark.parametrize("kind", ["residual", "preactivation"])
def test_a_dropped_block_is_its_shortcut(kind: str) -> None:
    block, x = droppable(kind, 0.3), torch.randn(1, 3, 5, 5)
    said, kept = [], []
    block.body.register_forward_hook(lambda module, inputs, output: said.append(output))
    block.shortcut.register_forward_hook(lambda module, inputs, output: kept.append(output))
    out = block(x.expand(4000, 3, 5, 5))
    after = F.relu if kind == "residual" else nn.Identity()
    silent, spoken = after(kept[0][0]), after(said[0][0] / (1 - 0.3) + kept[0][0])
    was_silent = (out - silent).abs().amax(dim=(1, 2, 3)) < 1e-5
    torch.testing.assert_close(out[~was_silent], spoken.expand_as(out[~was_silent]), rtol=1e-4, atol=1e-4)
    assert abs(was_silent.double().mean().item() - 0.3) < 5 * (0.3 * 0.7 / 4000) ** 0.5
    if kind == "preactivation":  # nothing follows the sum: the mean of the two is what evaluation gives
        torch.testing.assert_close(0.3 * silent + 0.7 * spoken, block.eval()(x)[0])


@pytest.mark.parametrize("kind", ["residual", "preactivation"])
def test_evaluation_drops_no_block(kind: str) -> None:
    block, x = droppable(kind, 0.9).eval(), torch.randn(8, 3, 5, 5)
    plain = droppable(kind, 0.0)
    plain.load_state_dict(block.state_dict())
    assert torch.equal(block(x), plain(x))
