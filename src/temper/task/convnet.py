"""A plain convolutional network that tells small images apart in a few epochs (Jordan, 2024, arXiv:2404.00498).

    stage = convolution, pooling, norm, activation, then ``convolutions`` - 1 times convolution, norm, activation
    prediction = ``logit_scale`` · W max(stage(...stage(x)))     the largest value of each channel over all positions

``widths`` names the stages by their channels, ``residual`` lets what follows a stage's first activation add to it, and
``stem`` at offset learns an offset and activates the inputs first, where preprocessing has filtered them already
(patch_whitening). Norms learn an offset alone. It bites in trainings of a few epochs in large batches; given time, a
ResNet is better. `pipeline/cifar10_94` is built on it.
"""

from typing import Annotated, Any, ClassVar, Literal, final

from pydantic import Field
from torch import Tensor, nn

from temper.facts import Facts, Kind
from temper.network import convnet
from temper.network.activation import Activation
from temper.network.convnet import Pooling
from temper.quantity import Count, Positive, Switch
from temper.strategy import Task, strategy
from temper.task.ruler import judge
from temper.training.supervised import Supervised


@strategy
class ConvNet(Task):
    """A convolutional network by the channels of its stages."""

    images: ClassVar[bool] = True
    any_size: ClassVar[bool] = True
    kinds: ClassVar[tuple[Kind, ...]] = ("binary", "multiclass")

    stem: Literal["offset"] | None
    widths: Annotated[tuple[Count, ...], Field(min_length=1)]
    convolutions: Count
    residual: Switch
    activation: Activation
    pooling: Pooling
    logit_scale: Positive

    @property
    def mixes_examples(self) -> bool:
        """Return true: its norms are over the batch."""
        return True

    @property
    def deep(self) -> bool:
        """Return true: there is a stage at least."""
        return True

    def network(self, facts: Facts) -> convnet.ConvNet:
        """Return a network from (n, channels, height, width) to (n, outputs), or (n,) for one output.

        Raises:
            ValueError: the images are too small to be halved so often.
        """
        side, least = min(min(shape[1:]) for shape in (facts.shape, *facts.epoch_shapes)), 2 ** len(self.widths)
        if side < least:
            raise ValueError(
                f"task.widths has {len(self.widths)} stages, each of which halves the images, and they have {side}"
                f" pixels on a side: at least {least}, or name fewer stages"
                + (", or raise the sides of resolution" if facts.epoch_shapes else "")
            )
        return convnet.ConvNet(
            facts.shape[0],
            facts.outputs,
            widths=self.widths,
            convolutions=self.convolutions,
            residual=self.residual,
            between=self.activation,
            pooling=self.pooling,
            offset=self.stem is not None,
            logit_scale=self.logit_scale,
        )

    def module(self, network: nn.Module, ingredients: Any) -> "ConvNetModule":
        """Return the module that trains the network."""
        return ConvNetModule(network, ingredients)


@final
class ConvNetModule(Supervised):
    """A convolutional network, judged by two classes or by many."""

    def judge(self, prediction: Tensor, target: Tensor) -> dict[str, float | list[float]]:
        """Return the metrics of logits (n,) or (n, k) against hard targets (n,)."""
        return judge(prediction, target, self.facts)
