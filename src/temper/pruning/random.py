"""Random pruning: zero ever more weights, whichever they are (a control of Frankle and Carbin, 2019, arXiv:1803.03635).

uᵢ uniform on [0, 1)                     drawn once for each weight, of the run's seed and the layer's name
sₜ = s (1 - (1 - (t - t₀)/(t₁ - t₀))³)   share of weights removed at step t, from 0 at t₀ to ``sparsity`` s at t₁
removed = the round(sₜ n) smallest uᵢ    of the whole network's n weights, or of each layer's
θ ← 0 where removed                      after every step; what was removed stays removed

The draws put the weights in an order, of which ever more is removed. What a pruning by any criterion is worth is its
distance to this one at the same sparsity. It bites all the same in wide networks, whose layers lose like shares: they
train to nearly the accuracy of dense ones (Liu et al., 2022, arXiv:2202.02643).
"""

import hashlib
from functools import partial

import torch
from torch import Tensor, nn

from temper.pruning.masks import Gradual, Masks, Removed, Scope, prunable_weights, smallest_within
from temper.quantity import Clock
from temper.strategy import Remover, strategy


@strategy
class Random(Gradual):
    """Remove weights by lot, step by step."""

    scope: Scope

    def callback(self, clock: Clock, seed: int) -> Remover:
        """Return the callback that removes, and keeps removed."""
        return Masks(self.shares(clock), partial(self._choose, seed))

    def _choose(self, seed: int, network: nn.Module, share: float, removed: Removed) -> dict[str, Tensor]:
        lots = {name: _drawn(seed, name, weight) for name, weight in prunable_weights(network).items()}
        return smallest_within(self.scope, lots, share, removed)


def _drawn(seed: int, name: str, weight: Tensor) -> Tensor:
    digest = hashlib.sha256(f"{seed} {name}".encode()).digest()
    # On the CPU, whose generator draws the same on every machine and every rank.
    generator = torch.Generator().manual_seed(int.from_bytes(digest[:7]))
    return torch.rand(weight.shape, generator=generator).to(weight.device)
