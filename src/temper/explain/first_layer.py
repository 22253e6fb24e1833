"""What the first layer of a network looks for: its filters as pictures, or what it makes of each feature by name.

    filters         the weights of each unit, laid out as the image that they lie on
    coefficients    the weights of a linear model with one output
    readings        √Σ_j W_ji², of rows of numbers: how strongly all units together read feature i

Of a layer that was replaced by two of less rank, the one matrix that they stand for. Where preprocessing filters the
images first, as patch whitening does, its filters are the first layer, and the only ones that lie on colours.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from torch import Tensor, nn

from temper.facts import Facts
from temper.network.factored import Factored
from temper.network.layered import Layered

Form = Literal["filters", "coefficients", "readings"]


@dataclass(frozen=True, kw_only=True)
class FirstLayer:
    """The weights of a first layer.

    Attributes:
        name: of the layer, or of the preprocessing step.
        form: what ``weight`` holds.
        weight: filters (k, channels, h, w), channels being 1 or 3; otherwise (features,).
        labels: of the filters, where they are those of classes; otherwise of the features.
    """

    name: str
    form: Form
    weight: Tensor
    labels: tuple[str, ...]

    def largest(self, count: int) -> Tensor:
        """Return the places of the ``count`` filters or features of the largest weights; filters in their own order.

        Features come the largest first.
        """
        sizes = self.weight.flatten(1).norm(dim=1) if self.form == "filters" else self.weight.abs()
        chosen = sizes.argsort(descending=True, stable=True)[:count]
        return chosen.sort().values if self.form == "filters" else chosen


def weight_of(layer: nn.Module) -> Tensor:
    """Return the weights of a linear or convolution layer, or those that two of less rank stand for."""
    if not isinstance(layer, Factored):
        assert isinstance(layer.weight, Tensor)
        return layer.weight.detach()
    first, second = layer.first.weight.detach(), layer.second.weight.detach()
    if first.dim() == 2:
        return second @ first
    # One of the two is 1 wide, whichever way the layer was cut.
    return (second.unsqueeze(2) * first.unsqueeze(0)).sum(1)


def first_layer(
    network: Layered,
    facts: Facts,
    fitted: Mapping[str, Mapping[str, Tensor]],
    names: tuple[str, ...],
    shape: tuple[int, ...] | None,
) -> FirstLayer | None:
    """Return the first layer of ``network``; None where it lies on channels that are no colours.

    Args:
        network: in floating point.
        facts: under which it was trained.
        fitted: what preprocessing remembers.
        names: of the features that enter it; empty for images.
        shape: (channels, h, w) of the image that an input is; None where it is none.
    """
    kinds = (nn.Linear, nn.Conv2d, Factored)
    name, layer = next((name, layer) for name, layer in network.named_modules() if isinstance(layer, kinds))
    weight = weight_of(layer)
    if weight.dim() == 4:
        if weight.shape[1] in (1, 3):
            return FirstLayer(name=name, form="filters", weight=weight, labels=())
        found = ((step, kept["filters"]) for step, kept in fitted.items() if "filters" in kept)
        return next((FirstLayer(name=step, form="filters", weight=each, labels=()) for step, each in found), None)
    if layer is network.head and len(weight) == 1 and names:
        return FirstLayer(name=name, form="coefficients", weight=weight[0], labels=names)
    if shape is not None:
        labels = facts.class_names if layer is network.head and len(weight) == facts.classes else ()
        if shape[0] not in (1, 3):
            return None
        return FirstLayer(name=name, form="filters", weight=weight.view(-1, *shape), labels=labels)
    return FirstLayer(name=name, form="readings", weight=weight.norm(dim=0), labels=names)
