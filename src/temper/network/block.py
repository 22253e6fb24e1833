"""The blocks of a ResNet, one class for each way in which a block may be connected.

    residual        y = relu(F(x) + S(x))           He et al., 2015, arXiv:1512.03385, equations 1 and 2
    preactivation   y = x + F(relu(norm(x)))        He et al., 2016, arXiv:1603.05027, equation 3 and figure 4e
    plain           y = relu(F(x))                  no shortcut: what residual learning is measured against
    dense           y = relu(norm(C [S(x), F_1, ..., F_i]))   concatenation in place of the sum, after DenseNet
                                                    (Huang et al., 2016, arXiv:1608.06993, equation 2)

In training, the body of a residual or preactivation block may be silent (stochastic depth, Huang et al., 2016,
arXiv:1603.09382), so that the block is its shortcut:

    F(x) <- F(x) · r / (1 - p)      r is 0 with probability p, else 1, example by example

The paper draws once a mini-batch and scales afterwards, by 1 - p in evaluation; a draw for each example depends on no
batch size, and scaling in training leaves evaluation as it is. The mean is the same.

F is the body: two 3x3 convolutions, or 1x1, 3x3, 1x1 in a bottleneck. S is the shortcut: the identity, or a 1x1
convolution with batch norm where the shape changes. C is a 1x1 convolution back to the stage's width.
"""

from collections import OrderedDict
from collections.abc import Sequence
from functools import partial
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.ops import StochasticDepth

from temper.network.chain import Chain
from temper.network.layered import Block
from temper.network.recompute import recomputed
from temper.network.units import Units

Connection = Literal["residual", "preactivation", "plain", "dense"]
EXPANSION = 4  # a bottleneck's output channels over its inner ones


def convolution(inputs: int, outputs: int, size: int, stride: int = 1) -> nn.Conv2d:
    """Return a ``size`` x ``size`` convolution without bias that keeps the image's size at stride 1."""
    return nn.Conv2d(inputs, outputs, size, stride, padding=size // 2, bias=False)


class Body(nn.Sequential):
    """Convolutions in a row, each with norm and ReLU between it and the next."""

    def units(self) -> list[Units]:
        """Return the channels between two convolutions; group norm ties them to each other, so that none may go."""
        layers: list[Any] = [layer for layer in self if not isinstance(layer, nn.ReLU)]
        return [
            Units(makers=(maker,), norms=(norm,), readers=(reader,))
            for maker, norm, reader in zip(layers[0::2], layers[1::2], layers[2::2], strict=False)
            if isinstance(norm, nn.BatchNorm2d)
        ]


def body(inputs: int, width: int, stride: int, bottleneck: bool, *, norm_last: bool = True) -> Body:
    """Return convolutions with norm and ReLU between them; a norm ends them where ``norm_last``.

    A bottleneck strides in its 3x3 convolution, so that no pixel is skipped unseen.
    """
    outputs = width * EXPANSION if bottleneck else width
    if bottleneck:
        steps = [(inputs, width, 1, 1), (width, width, 3, stride), (width, outputs, 1, 1)]
    else:
        steps = [(inputs, width, 3, stride), (width, width, 3, 1)]
    named: OrderedDict[str, nn.Module] = OrderedDict()
    for index, step in enumerate(steps, start=1):
        named[f"conv{index}"] = convolution(*step)
        named[f"norm{index}"] = nn.BatchNorm2d(step[1])
        named[f"relu{index}"] = nn.ReLU()
    named.popitem()
    if not norm_last:
        named.popitem()
    return Body(named)


def shortcut(inputs: int, outputs: int, stride: int) -> nn.Module:
    """Return the identity, or a 1x1 projection with batch norm where the shape changes."""
    if inputs == outputs and stride == 1:
        return nn.Identity()
    return nn.Sequential(
        OrderedDict(conv=convolution(inputs, outputs, 1, stride), norm=nn.BatchNorm2d(outputs)),
    )


def dropped(probability: float) -> nn.Module:
    """Return what silences a body with ``probability`` in training, and is the identity in evaluation."""
    return StochasticDepth(probability, "row") if probability else nn.Identity()


class ResidualBlock(nn.Module):
    """Add what the body says to its input; ``drop`` is the probability with which it is silent in training."""

    def __init__(self, inputs: int, width: int, stride: int, bottleneck: bool, *, drop: float = 0.0) -> None:
        super().__init__()
        self.body = body(inputs, width, stride, bottleneck)
        self.drop = dropped(drop)
        self.shortcut = shortcut(inputs, width * EXPANSION if bottleneck else width, stride)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return (n, outputs, height / stride, width / stride) for (n, inputs, height, width)."""
        return F.relu(self.drop(self.body(inputs)) + self.shortcut(inputs))


class PlainBlock(nn.Module):
    """Replace the input by what the body says."""

    def __init__(self, inputs: int, width: int, stride: int, bottleneck: bool) -> None:
        super().__init__()
        self.body = body(inputs, width, stride, bottleneck)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return (n, outputs, height / stride, width / stride) for (n, inputs, height, width)."""
        return F.relu(self.body(inputs))


class PreactivationBlock(nn.Module):
    """Normalise and activate before the convolutions, so that the sum is handed on untouched.

    The first block of a stage takes its shortcut after the activation: there the shape changes, or, in the first
    stage, the stem has not been activated yet (appendix of the paper). Its projection goes without batch norm: the next
    block's own norm follows the sum.
    """

    def __init__(
        self, inputs: int, width: int, stride: int, bottleneck: bool, *, first: bool, drop: float = 0.0
    ) -> None:
        super().__init__()
        outputs = width * EXPANSION if bottleneck else width
        self.first = first
        self.activation = nn.Sequential(OrderedDict(norm=nn.BatchNorm2d(inputs), relu=nn.ReLU()))
        self.body = body(inputs, width, stride, bottleneck, norm_last=False)
        self.drop = dropped(drop)
        same = inputs == outputs and stride == 1
        self.shortcut = nn.Identity() if same else convolution(inputs, outputs, 1, stride)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return (n, outputs, height / stride, width / stride) for (n, inputs, height, width)."""
        active = self.activation(inputs)
        total: Tensor = self.drop(self.body(active)) + self.shortcut(active if self.first else inputs)
        return total


class DenseStage(nn.Module):
    """Blocks that each see all their stage has said so far, brought back to its width by a 1x1 convolution.

    Where it ``recomputes``, what the blocks have said is kept once, and neither the insides nor the concatenations.
    """

    recomputes = False

    def __init__(self, inputs: int, width: int, blocks: int, stride: int, bottleneck: bool) -> None:
        super().__init__()
        outputs = width * EXPANSION if bottleneck else width
        self.shortcut = shortcut(inputs, outputs, stride)
        self.bodies = nn.ModuleList()
        self.merges = nn.ModuleList()
        for index in range(blocks):
            first = index == 0
            self.bodies.append(body(inputs if first else outputs, width, stride if first else 1, bottleneck))
            merge = convolution((index + 2) * outputs, outputs, 1)
            self.merges.append(nn.Sequential(OrderedDict(conv=merge, norm=nn.BatchNorm2d(outputs), relu=nn.ReLU())))

    def forward(self, inputs: Tensor) -> Tensor:
        """Return (n, outputs, height / stride, width / stride) for (n, inputs, height, width)."""
        seen, merged = [self.shortcut(inputs)], inputs
        for said, merge in zip(self.bodies, self.merges, strict=True):
            if self.recomputes:
                seen.append(recomputed(partial(_said, said), (said,), merged))
                merged = recomputed(partial(_merged, merge), (merge,), *seen)
            else:
                seen.append(_said(said, merged))
                merged = _merged(merge, *seen)
        return merged

    def blocks(self) -> list[Block]:
        """Return the blocks in order; the shortcut belongs to the first."""
        pairs = list(zip(self.bodies, self.merges, strict=True))
        return [(self.shortcut, *pairs[0]), *pairs[1:]]


def _said(body: nn.Module, merged: Tensor) -> Tensor:
    return F.relu(body(merged))


def _merged(merge: nn.Module, *seen: Tensor) -> Tensor:
    value: Tensor = merge(torch.cat(seen, dim=1))
    return value


def stage(
    connection: Connection,
    inputs: int,
    width: int,
    blocks: int,
    stride: int,
    bottleneck: bool,
    drops: Sequence[float] = (),
) -> Chain | DenseStage:
    """Return ``blocks`` blocks in a row, of which the first strides; ``drops`` are how often each body is silent."""
    if connection == "dense":
        return DenseStage(inputs, width, blocks, stride, bottleneck)
    outputs = width * EXPANSION if bottleneck else width
    row = Chain()
    for index in range(blocks):
        first = index == 0
        shape = (inputs if first else outputs, width, stride if first else 1, bottleneck)
        drop = drops[index] if drops else 0.0
        match connection:
            case "residual":
                row.append(ResidualBlock(*shape, drop=drop))
            case "plain":
                row.append(PlainBlock(*shape))
            case "preactivation":
                row.append(PreactivationBlock(*shape, first=first, drop=drop))
    return row
