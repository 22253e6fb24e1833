"""A residual network for small images, and for photos (He et al., 2015, arXiv:1512.03385, sections 3 and 4.2).

    stem     one 3x3 convolution, norm, ReLU; no pooling, since the images are small
             of photos (section 3.4, table 1): 7x7 at stride 2, norm, ReLU, the maximum of 3x3 at stride 2
    stages   blocks of one width each; from the second stage on the first block halves height and width
    head     the mean over all positions, dropout, then one linear layer

    channel <- channel · r / (1 - p)    dropout, in training only: r is 0 with probability p, else 1
    p_l = l/L · p_L                     stochastic depth: how often block l of L is dropped (arXiv:1603.09382, eq. 4)

After the mean a channel is one number, so that dropout before it, of whole channels, would be the same.
A block learns what to add to its input, so that depth can be had without losing the gradient: it bites from some twenty
layers on, where a plain network of the same size trains worse.
"""

from collections import OrderedDict
from collections.abc import Iterator, Sequence

from torch import Tensor, nn

from temper.network.block import EXPANSION, Body, Connection, DenseStage, convolution, stage
from temper.network.chain import Chain
from temper.network.layered import Block, Layered
from temper.network.units import Units


class ResNet(Layered):
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
        dropout: float = 0.0,
        stochastic_depth: float = 0.0,
        photos: bool = False,
    ) -> None:
        """Make the layers.

        Args:
            channels: of the images.
            outputs: columns of the prediction.
            blocks: the number of blocks of each stage.
            widths: the channels of each stage; of a bottleneck's inner layers, whose output has four times as many.
            connection: how a block is connected to what came before.
            bottleneck: whether a block is 1x1, 3x3, 1x1 instead of two 3x3.
            dropout: the probability with which a channel is hidden from the head in a training step.
            stochastic_depth: the probability p_L with which the last block is dropped in a training step.
            photos: whether the stem quarters height and width.
        """
        super().__init__()
        preactivation = connection == "preactivation"
        first = convolution(channels, widths[0], 7, 2) if photos else convolution(channels, widths[0], 3)
        layers: OrderedDict[str, nn.Module] = OrderedDict(conv=first)
        if not preactivation:
            layers |= OrderedDict(norm=nn.BatchNorm2d(widths[0]), relu=nn.ReLU())
        if photos:
            layers["pool"] = nn.MaxPool2d(3, stride=2, padding=1)
        self.stem = nn.Sequential(layers)

        self.stages = nn.Sequential()
        inputs, depth = widths[0], sum(blocks)
        drops = [(block + 1) / depth * stochastic_depth for block in range(depth)]
        for index, (count, width) in enumerate(zip(blocks, widths, strict=True)):
            before = sum(blocks[:index])
            own = drops[before : before + count]
            self.stages.append(stage(connection, inputs, width, count, 1 if index == 0 else 2, bottleneck, own))
            inputs = width * EXPANSION if bottleneck else width

        last = OrderedDict(norm=nn.BatchNorm2d(inputs), relu=nn.ReLU())
        self.activation = nn.Sequential(last) if preactivation else nn.Identity()
        self.dropout = nn.Dropout(dropout) if dropout else nn.Identity()
        self.head = nn.Linear(inputs, outputs)

    def forward(self, images: Tensor) -> Tensor:
        """Return (n, outputs), or (n,) for one output, for images (n, channels, height, width)."""
        features: Tensor = self.activation(self.stages(self.stem(images)))
        answer: Tensor = self.head(self.dropout(features.mean(dim=(2, 3))))
        return answer.squeeze(1)  # leaves several outputs as they are

    def blocks(self) -> list[Block]:
        """Return the stem, then each block of each stage; the last activation belongs to the last of them."""
        inner = [block for each in self._stages() for block in each.blocks()]
        return [(self.stem,), *inner[:-1], (*inner[-1], self.activation)]

    def units(self) -> list[Units]:
        """Return the channels inside each block; those between blocks are what shortcuts add up."""
        return [units for each in self.modules() if isinstance(each, Body) for units in each.units()]

    def recompute(self) -> None:
        """Keep what enters a block of a stage alone."""
        for each in self._stages():
            each.recomputes = True

    def _stages(self) -> Iterator[Chain | DenseStage]:
        for each in self.stages:
            assert isinstance(each, Chain | DenseStage)
            yield each
