"""Channels and neurons that may go from a network, each by itself: what they own, zeroed or cut away.

A filter of zeros is not enough: batch norm's shift would let its channel live, and an activation that is not 0 at 0
(sigmoid, softplus) would be read as a constant. So a unit owns what makes it, what normalises it, and what reads it.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

Weighted = nn.Linear | nn.Conv2d


@dataclass(frozen=True, kw_only=True)
class Units:
    """Units of one kind, as many as each of the ``makers`` has rows.

    Attributes:
        makers: layers of which a unit is a row: of the weight, and of the bias where there is one.
        norms: of which it is an entry, and in which it does not touch the other units.
        readers: layers of which it is a column.
    """

    makers: tuple[Weighted, ...]
    norms: tuple[nn.BatchNorm2d, ...] = ()
    readers: tuple[Weighted, ...]

    def __len__(self) -> int:
        return len(self.makers[0].weight)

    def owned(self) -> list[tuple[nn.Parameter, int]]:
        """Return the parameters of the units, each with the axis along which the units lie."""
        rows = [each for layer in (*self.makers, *self.norms) for each in (layer.weight, layer.bias)]
        columns = [layer.weight for layer in self.readers]
        own = [*((each, 0) for each in rows), *((each, 1) for each in columns)]
        return [(each, axis) for each, axis in own if isinstance(each, nn.Parameter)]  # a layer may have no bias

    def marked(self, gone: Tensor) -> list[tuple[nn.Parameter, Tensor]]:
        """Return the parameters of the units, each with a mask of its axes of what those in ``gone`` (units,) own."""
        masks = []
        for weight, axis in self.owned():
            shape = [1] * weight.dim()
            shape[axis] = -1
            masks.append((weight, gone.to(weight.device).view(shape)))
        return masks

    @torch.no_grad()
    def remove(self, gone: Tensor) -> None:
        """Zero all that the units marked in ``gone`` (units,) own."""
        for weight, mask in self.marked(gone):
            weight.masked_fill_(mask, 0.0)

    @torch.no_grad()
    def removed(self) -> Tensor:
        """Return which units (units,) own nothing but zeros."""
        alive = [(weight != 0).movedim(axis, 0).reshape(len(self), -1).any(1) for weight, axis in self.owned()]
        return ~torch.stack(alive).any(0)

    def cut(self, kept: Tensor) -> None:
        """Leave the units whose numbers are ``kept``, in their order, and make every layer smaller by the others."""
        for layer in self.makers:
            layer.weight = _cut(layer.weight, 0, kept)
            if layer.bias is not None:
                layer.bias = _cut(layer.bias, 0, kept)
            setattr(layer, "out_features" if isinstance(layer, nn.Linear) else "out_channels", len(kept))
        for norm in self.norms:
            norm.weight, norm.bias = _cut(norm.weight, 0, kept), _cut(norm.bias, 0, kept)
            norm.running_mean, norm.running_var = (
                None if values is None else values[kept] for values in (norm.running_mean, norm.running_var)
            )
            norm.num_features = len(kept)
        for layer in self.readers:
            layer.weight = _cut(layer.weight, 1, kept)
            setattr(layer, "in_features" if isinstance(layer, nn.Linear) else "in_channels", len(kept))


def _cut(weight: Tensor, axis: int, kept: Tensor) -> nn.Parameter:
    """Return a parameter of the rows or columns ``kept``, laid out in memory as ``weight`` is."""
    last = weight.dim() == 4 and not weight.is_contiguous() and weight.is_contiguous(memory_format=torch.channels_last)
    layout = torch.channels_last if last else torch.contiguous_format
    chosen = weight.detach().index_select(axis, kept).contiguous(memory_format=layout)
    return nn.Parameter(chosen, requires_grad=weight.requires_grad)
