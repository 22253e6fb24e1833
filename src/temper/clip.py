"""Gradient clipping: how a gradient that is too large is cut before the optimizer sees it.

    norm       g <- g · min(1, c / ‖g‖)                     over all parameters (Pascanu et al. 2013, arXiv:1211.5063)
    value      g <- min(c, max(-c, g))                      each entry by itself
    adaptive   g <- g · min(1, c · max(‖w‖, 1e-3) / ‖g‖)    unit by unit (Brock et al. 2021, arXiv:2102.06171, eq. 3)

A unit is one output of a layer, the first dimension of its weight; a bias or a scale is one unit as a whole, as in the
authors' code. They clip every layer but the last linear one (section 4.1), and so is it here: ``adaptive`` leaves the
network's head alone, and what learns beside the network.

Whichever kind, it is the whole batch's gradient that is clipped, once: after micro-batches have been added up and
processes averaged, and after its norm has been noted.
"""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from temper.quantity import Positive
from temper.strategy import strategy


@strategy
class Clip:
    """Which clipping, and its bound c."""

    kind: Literal["none", "norm", "value", "adaptive"]
    value: Positive

    @property
    def spares_head(self) -> bool:
        """Return whether only layers before the network's head are clipped."""
        return self.kind == "adaptive"

    def apply(self, parameters: Sequence[nn.Parameter]) -> None:
        """Clip the gradients of ``parameters`` in place."""
        if self.kind == "norm":
            nn.utils.clip_grad_norm_(parameters, self.value)
        elif self.kind == "value":
            nn.utils.clip_grad_value_(parameters, self.value)
        elif self.kind == "adaptive":
            clip_adaptively(parameters, self.value)


@torch.no_grad()
def clip_adaptively(parameters: Sequence[nn.Parameter], bound: float, floor: float = 1e-3) -> None:
    """Bound each unit's gradient norm by ``bound`` times its weight norm (at least ``floor``), in place."""
    for weight in parameters:
        if weight.grad is None:
            continue
        largest = bound * _unit_norms(weight).clamp(min=floor)
        norms = _unit_norms(weight.grad)
        weight.grad.mul_((largest / norms.clamp(min=1e-12)).clamp(max=1.0))


def _unit_norms(tensor: Tensor) -> Tensor:
    dimensions = tuple(range(1, tensor.ndim)) if tensor.ndim > 1 else None
    norms: Tensor = torch.linalg.vector_norm(tensor, dim=dimensions, keepdim=tensor.ndim > 1)
    return norms
