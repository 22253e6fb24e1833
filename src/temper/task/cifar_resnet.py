"""A ResNet that tells small images apart (He et al., 2015, arXiv:1512.03385, section 4.2 and table 1).

    stages=3, widths 16-32-64           depth 6n + 2, n blocks a stage: 20, 32, 44, 56, 110
    stages=4, widths 64-128-256-512     depth 18, 34 (two 3x3 convolutions a block), 50 (bottlenecks)
    channels = round(width * w)         ``width`` stretches every stage, whichever widths w it has

``blocks`` names the blocks of each stage instead of a depth, ``widths`` its channels, and ``connection`` how a block
sees what came before: these are independent, so that depth, width and shortcuts can be told apart. ``norm`` puts group
norm in the place of batch norm where the examples of a batch must not see each other, or lets those of all processes do
so. ``stem=imagenet`` halves images twice before the first stage, as the published ResNets of photos do: for photos of
some hundred pixels and more, at a sixteenth of the work. Residual connections bite from some twenty layers on; on few
images a small ResNet is enough.

    channel <- channel · r / (1 - p)         ``dropout`` p before the head, in training only: r is 0 with probability p
    F_l <- F_l · r_l / (1 - l/L · p_L)       ``stochastic_depth`` p_L: body l of L is silent with probability l/L · p_L

Stochastic depth (Huang et al., 2016, arXiv:1603.09382) bites in deep networks that overfit. It draws example by
example, where the paper drops a block for a whole mini-batch, so it saves no time. Processes draw apart, each for its
own examples: with either knob, two of them take other steps than one.
"""

from typing import Any, ClassVar, Literal, Self, final

from pydantic import model_validator
from torch import Tensor, nn

from temper.facts import Facts, Kind
from temper.network.block import Connection
from temper.network.group_norm import with_group_norm
from temper.network.layered import Layered
from temper.network.resnet import ResNet
from temper.network.synced_norm import with_synced_norm
from temper.quantity import Count, Positive, ProperFraction
from temper.strategy import Task, strategy
from temper.task.ruler import judge
from temper.training.supervised import Supervised

_WIDTHS = {3: (16, 32, 64), 4: (64, 128, 256, 512)}
_BLOCKS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3)}  # by the depth, of four stages
_BOTTLENECKS_FROM = 50
_NORMS = {"group": with_group_norm, "sync": with_synced_norm}


@strategy
class CifarResNet(Task):
    """A ResNet by its depth, or stage by stage."""

    images: ClassVar[bool] = True
    any_size: ClassVar[bool] = True
    kinds: ClassVar[tuple[Kind, ...]] = ("binary", "multiclass")

    stages: Literal[3, 4]
    depth: Count | None
    width: Positive
    blocks: tuple[Count, ...] | None
    widths: tuple[Count, ...] | None
    connection: Connection
    dropout: ProperFraction | None
    stochastic_depth: ProperFraction | None
    norm: Literal["group", "sync"] | None
    stem: Literal["imagenet"] | None

    @property
    def mixes_examples(self) -> bool:
        """Return whether the norms are over the batch."""
        return self.norm != "group"

    @property
    def scales_channels(self) -> bool:
        """Return whether the norms are over the batch: each has a scale."""
        return self.norm != "group"

    @model_validator(mode="after")
    def _depth_fits(self) -> Self:
        if (self.depth is None) == (self.blocks is None):
            raise ValueError("needs depth or blocks, and not both: name one and set the other to null")
        if self.depth is not None and self.depth not in _valid_depths(self.stages, self.depth):
            rule = "6n + 2 layers, from 8 on" if self.stages == 3 else "18, 34 or 50 layers"
            nearest = " and ".join(map(str, _valid_depths(self.stages, self.depth)))
            raise ValueError(
                f"depth={self.depth} is not a depth of stages={self.stages}: it has {rule}; nearest: {nearest}. "
                "Any other depth is given stage by stage: depth=null and blocks=[...]"
            )
        return self

    @model_validator(mode="after")
    def _lists_fit(self) -> Self:
        for name, values in (("blocks", self.blocks), ("widths", self.widths)):
            if values is not None and len(values) != self.stages:
                raise ValueError(
                    f"{name} has {len(values)} entries, but stages={self.stages}: give one a stage, or change stages"
                )
        return self

    @model_validator(mode="after")
    def _bodies_may_be_silent(self) -> Self:
        if self.stochastic_depth is not None and self.connection not in ("residual", "preactivation"):
            raise ValueError(
                f"stochastic_depth={self.stochastic_depth} drops a block and keeps its shortcut, and connection="
                f"{self.connection} has none: choose connection=residual or preactivation, or stochastic_depth=null"
            )
        return self

    @property
    def deep(self) -> bool:
        """Return true: there is a block at least."""
        return True

    def network(self, facts: Facts) -> Layered:
        """Return a ResNet from (n, channels, height, width) to (n, outputs), or (n,) for one output."""
        widths = self.widths or _WIDTHS[self.stages]
        made = ResNet(
            facts.shape[0],
            facts.outputs,
            blocks=self.blocks or _blocks(self.stages, self.depth or 0),
            widths=[max(1, round(self.width * width)) for width in widths],
            connection=self.connection,
            bottleneck=self.stages == 4 and self.depth is not None and self.depth >= _BOTTLENECKS_FROM,
            dropout=self.dropout or 0.0,
            stochastic_depth=self.stochastic_depth or 0.0,
            photos=self.stem == "imagenet",
        )
        return made if self.norm is None else _NORMS[self.norm](made)

    def module(self, network: nn.Module, ingredients: Any) -> "CifarResNetModule":
        """Return the module that trains the ResNet."""
        return CifarResNetModule(network, ingredients)


@final
class CifarResNetModule(Supervised):
    """A ResNet, judged by two classes or by many."""

    def judge(self, prediction: Tensor, target: Tensor) -> dict[str, float | list[float]]:
        """Return the metrics of logits (n,) or (n, k) against hard targets (n,)."""
        return judge(prediction, target, self.facts)


def _valid_depths(stages: int, depth: int) -> tuple[int, ...]:
    """Return the depth itself where it is valid, otherwise the valid ones on either side of it."""
    if stages == 3:
        below = max(8, depth - (depth - 2) % 6)
        return (below,) if below >= depth else (below, below + 6)
    below_or_same = [known for known in _BLOCKS if known <= depth]
    if depth in below_or_same:
        return (depth,)
    above = [known for known in _BLOCKS if known > depth]
    return (*below_or_same[-1:], *above[:1])


def _blocks(stages: int, depth: int) -> tuple[int, ...]:
    """Return the blocks of each stage of a network of ``depth`` layers."""
    return ((depth - 2) // 6,) * 3 if stages == 3 else _BLOCKS[depth]
