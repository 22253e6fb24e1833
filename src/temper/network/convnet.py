"""A plain convolutional network for short trainings (Page, 2018; Jordan, 2024, arXiv:2404.00498, section 3.1).

    stem     b + x, activated               a learned offset for each channel of inputs that are filtered already
    stage    3x3 convolution, pooling over 2x2, norm, activation; then 3x3 convolution, norm, activation, and so on
             what follows the first activation may be a residual: activation(x + F(x))
    head     the largest value over all positions, one linear layer without offset, times ``logit_scale``

A norm's scale stays at 1, as the activation's input has the norm's own; only its offset is learned. Few and wide layers
suit large batches on fast kernels, where the depth of a ResNet is latency: it bites in trainings of a few epochs.
"""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn

from temper.network.activation import Activation, activation
from temper.network.block import convolution
from temper.network.chain import Chain
from temper.network.layered import Block, Layered
from temper.network.units import Units, Weighted

Pooling = Literal["max", "average", "stride"]


class Offset(nn.Module):
    """Adds a learned number to each channel."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, images: Tensor) -> Tensor:
        """Return (n, channels, height, width), in the type that autocast computes in."""
        kind = images.device.type
        if torch.is_autocast_enabled(kind):  # before the sum: half the memory to go through
            images = images.to(torch.get_autocast_dtype(kind))
        return images + self.bias.to(images.dtype).view(1, -1, 1, 1)


class Stage(nn.Module):
    """Convolutions of one width, of which the first halves height and width."""

    def __init__(
        self, inputs: int, width: int, *, convolutions: int, residual: bool, between: Activation, pooling: Pooling
    ) -> None:
        super().__init__()
        self.residual = residual
        layers = OrderedDict[str, nn.Module](conv=convolution(inputs, width, 3, stride=2 if pooling == "stride" else 1))
        if pooling != "stride":
            layers["pool"] = nn.MaxPool2d(2) if pooling == "max" else nn.AvgPool2d(2)
        self.entry = nn.Sequential(layers | OrderedDict(norm=_norm(width), activation=activation(between)))
        rest = OrderedDict[str, nn.Module]()
        for index in range(2, convolutions + 1):
            rest |= {f"conv{index}": convolution(width, width, 3), f"norm{index}": _norm(width)}
            rest[f"activation{index}"] = activation(between)
        if rest:
            rest.popitem()
        self.body = nn.Sequential(rest)
        self.activation = activation(between) if rest else nn.Identity()

    def units(self, after: Weighted) -> list[Units]:
        """Return the channels of each convolution; ``after`` is the layer that reads the stage.

        Those that a residual adds to each other go together.
        """
        layers: list[Any] = [*self.entry, *self.body]
        convolutions = [layer for layer in layers if isinstance(layer, nn.Conv2d)]
        norms = [layer for layer in layers if isinstance(layer, nn.BatchNorm2d)]
        rows = zip(convolutions, norms, [*convolutions[1:], after], strict=True)
        each = [Units(makers=(maker,), norms=(norm,), readers=(reader,)) for maker, norm, reader in rows]
        if not self.residual or len(each) == 1:
            return each
        first, *inner, last = each
        added = Units(
            makers=first.makers + last.makers, norms=first.norms + last.norms, readers=first.readers + last.readers
        )
        return [added, *inner]

    def forward(self, inputs: Tensor) -> Tensor:
        """Return (n, width, h / 2, w / 2), rounded down (up under a stride), for (n, inputs, h, w)."""
        entered: Tensor = self.entry(inputs)
        if not len(self.body):
            return entered
        said = self.body(entered)
        answer: Tensor = self.activation(entered + said if self.residual else said)
        return answer


class ConvNet(Layered):
    """Stages over images of any size that they can halve: ``stem``, ``stages``, ``head``."""

    def __init__(
        self,
        channels: int,
        outputs: int,
        *,
        widths: Sequence[int],
        convolutions: int,
        residual: bool,
        between: Activation,
        pooling: Pooling,
        offset: bool,
        logit_scale: float,
    ) -> None:
        """Make the layers.

        Args:
            channels: of the images.
            outputs: columns of the prediction.
            widths: the channels of each stage.
            convolutions: of each stage.
            residual: whether a stage's layers after the first add to it.
            between: the activation.
            pooling: how a stage halves height and width.
            offset: whether the stem is there.
            logit_scale: what the head's values are multiplied by.
        """
        super().__init__()
        stem = OrderedDict[str, nn.Module](offset=Offset(channels), activation=activation(between)) if offset else {}
        self.stem = nn.Sequential(OrderedDict(stem))
        self.stages = Chain()
        for width in widths:
            stage = Stage(
                channels, width, convolutions=convolutions, residual=residual, between=between, pooling=pooling
            )
            self.stages.append(stage)
            channels = width
        self.head = nn.Linear(channels, outputs, bias=False)
        self.logit_scale = logit_scale

    def forward(self, images: Tensor) -> Tensor:
        """Return (n, outputs), or (n,) for one output, for images (n, channels, height, width)."""
        features: Tensor = self.stages(self.stem(images)).amax(dim=(2, 3))
        answer: Tensor = self.head(features) * self.logit_scale
        return answer.squeeze(1)  # leaves several outputs as they are

    def blocks(self) -> list[Block]:
        """Return the stem, where there is one, and the stages."""
        first, *others = self.stages.blocks()
        return [(self.stem,), first, *others] if len(self.stem) else [(self.stem, *first), *others]

    def units(self) -> list[Units]:
        """Return the channels of all stages."""
        stages: list[Any] = list(self.stages)
        afters = [*(stage.entry.conv for stage in stages[1:]), self.head]
        return [units for stage, after in zip(stages, afters, strict=True) for units in stage.units(after)]

    def recompute(self) -> None:
        """Keep what enters a stage alone."""
        self.stages.recomputes = True


def _norm(width: int) -> nn.BatchNorm2d:
    norm = nn.BatchNorm2d(width)
    norm.weight.requires_grad_(False)
    return norm
