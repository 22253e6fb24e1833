"""Gradient clipping: how a gradient that is too large is cut before the optimizer sees it.

    norm       g <- g · min(1, c / ‖g‖)                     over all parameters (Pascanu et al. 2013, arXiv:1211.5063)
    value      g <- min(c, max(-c, g))                      each entry by itself
    adaptive   g <- g · min(1, c · max(‖w‖, 1e-3) / ‖g‖)    unit by unit (Brock et al. 2021, arXiv:2102.06171, eq. 3)

A unit is one output of a layer: the first dimension of its weight; of a bias or a scale, each entry.
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
    if tensor.ndim <= 1:
        return tensor.abs()
    norms: Tensor = torch.linalg.vector_norm(tensor, dim=tuple(range(1, tensor.ndim)), keepdim=True)
    return norms
