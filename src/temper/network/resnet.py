"""A residual network for small images (He et al., 2015, arXiv:1512.03385, sections 3 and 4.2).

    stem     one 3x3 convolution, norm, ReLU; no pooling, since the images are small
    stages   blocks of one width each; from the second stage on the first block halves height and width
    head     the mean over all positions, then one linear layer

A block learns what to add to its input, so that depth can be had without losing the gradient: it bites from some twenty
layers on, where a plain network of the same size trains worse.
"""

from collections import OrderedDict
from collections.abc import Sequence

from torch import Tensor, nn

from temper.network.block import EXPANSION, Connection, convolution, stage


class ResNet(nn.Module):
    """A ResNet over images of any size and any number of channels: ``stem``, ``stages``, ``activation``, ``head``."""

    def __init__(
        self,
        channels: int,
        outputs: int,
        *,
        blocks: Sequence[int],
        widths: Sequence[int],
        connection: Connection,
        bottleneck: bool,
    ) -> None:
        """Make the layers.

        Args:
            channels: of the images.
            outputs: columns of the prediction.
            blocks: the number of blocks of each stage.
            widths: the channels of each stage; of a bottleneck's inner layers, whose output has four times as many.
            connection: how a block is connected to what came before.
            bottleneck: whether a block is 1x1, 3x3, 1x1 instead of two 3x3.
        """
        super().__init__()
        preactivation = connection == "preactivation"
        layers: OrderedDict[str, nn.Module] = OrderedDict(conv=convolution(channels, widths[0], 3))
        if not preactivation:
            layers |= OrderedDict(norm=nn.BatchNorm2d(widths[0]), relu=nn.ReLU())
        self.stem = nn.Sequential(layers)

        self.stages = nn.Sequential()
        inputs = widths[0]
        for index, (count, width) in enumerate(zip(blocks, widths, strict=True)):
            self.stages.append(stage(connection, inputs, width, count, 1 if index == 0 else 2, bottleneck))
            inputs = width * EXPANSION if bottleneck else width

        last = OrderedDict(norm=nn.BatchNorm2d(inputs), relu=nn.ReLU())
        self.activation = nn.Sequential(last) if preactivation else nn.Identity()
        self.head = nn.Linear(inputs, outputs)

    def forward(self, images: Tensor) -> Tensor:
        """Return (n, outputs), or (n,) for one output, for images (n, channels, height, width)."""
        features: Tensor = self.activation(self.stages(self.stem(images)))
        answer: Tensor = self.head(features.mean(dim=(2, 3)))
        return answer.squeeze(1)  # leaves several outputs as they are
