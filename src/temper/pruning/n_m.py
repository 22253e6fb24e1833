"""N:M sparsity: of M weights in a row N stay (Zhou et al., 2021, arXiv:2102.04010; Mishra et al., arXiv:2104.08378).

groups of M = ``m``      of weights that lie side by side along a layer's inputs: a linear layer's columns, a
                         convolution's input channels at one place of its kernel
removed                  the M - N smallest |θ| of each group, once, at step t₀ = ``start``; N = ``n``
θ ← 0 where removed      after every step

A pattern that hardware can use: 2:4 halves the work of a matrix product on GPUs that know it (NVIDIA's, from Ampere
on); here weights are zeroed, and nothing runs faster. Layers whose inputs do not divide by M stay whole, such as one
that sees three colours; the report names them. It bites where the network goes to such hardware: trained, cut to 2:4
and trained on, it loses next to nothing of its accuracy, and groups of any kind lose more than single weights would.
"""

import math
from typing import ClassVar, Self

import torch
from pydantic import model_validator
from torch import Tensor, nn

from temper.pruning.masks import Masks, Removed, prunable_weights
from temper.quantity import Clock, Count, Fraction
from temper.strategy import Pruning, Remover, strategy

_GROUPED = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)  # whose weights are (out, in, ...)


@strategy
class NM(Pruning):
    """Keep the ``n`` largest of every ``m`` weights along the inputs."""

    groups_inputs: ClassVar[bool] = True

    n: Count
    m: Count
    start: Fraction

    @model_validator(mode="after")
    def _removes(self) -> Self:
        if self.n >= self.m:
            raise ValueError(f"n must be less than m ({self.m}), not {self.n}; pruning=none keeps all of each group")
        return self

    def begins(self, clock: Clock) -> int:
        """Return the step of the one removal."""
        return int(self.start * clock.total_steps)

    def settled(self, clock: Clock) -> int:
        """Return ``start`` in steps."""
        return math.ceil(self.start * clock.total_steps)

    def callback(self, clock: Clock, seed: int) -> Remover:
        """Return the callback that removes, and keeps removed."""
        return Masks({self.begins(clock): 1 - self.n / self.m}, self._choose)

    def note(self, network: nn.Module) -> str | None:
        """Return which layers stay whole.

        Raises:
            ValueError: all would.
        """
        grouped = self._grouped(network)
        whole = [
            f"{name.rpartition('.')[0]} ({weight.shape[1]})"
            for name, weight in prunable_weights(network, _GROUPED).items()
            if name not in grouped
        ]
        if not grouped:
            raise ValueError(
                f"pruning=n_m, pruning.m={self.m}: no layer has inputs that divide by it; they are {', '.join(whole)}:"
                " lower pruning.m, or choose pruning=magnitude"
            )
        if not whole:
            return None
        return f"pruning=n_m leaves whole what has inputs that do not divide by pruning.m={self.m}: {', '.join(whole)}"

    def _grouped(self, network: nn.Module) -> dict[str, Tensor]:
        weights = prunable_weights(network, _GROUPED)
        return {name: weight for name, weight in weights.items() if weight.shape[1] % self.m == 0}

    def _choose(self, network: nn.Module, share: float, removed: Removed) -> dict[str, Tensor]:
        return {
            name: smallest_of_groups(weight, self.n, self.m, removed.get(name))
            for name, weight in self._grouped(network).items()
        }


@torch.no_grad()
def smallest_of_groups(weight: Tensor, n: int, m: int, removed: Tensor | None) -> Tensor:
    """Return the mask of all but the ``n`` largest of every ``m`` along dimension 1 of ``weight``, (out, in, ...).

    Of equal magnitudes the earlier goes first. What ``removed`` marks comes before all, and goes however much it is.
    """
    sizes = weight.abs() if removed is None else weight.abs().masked_fill_(removed, -1.0)
    sizes = sizes.movedim(1, -1)
    groups = sizes.reshape(-1, m)
    smallest = groups.argsort(dim=1, stable=True)[:, : m - n]
    mask = (groups < 0).scatter_(1, smallest, value=True)
    return mask.view(sizes.shape).movedim(-1, 1).contiguous()
