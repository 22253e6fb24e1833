"""Gradual pruning: zero ever more of the smallest weights (Zhu and Gupta, 2017, arXiv:1710.01878, equation 1).

sₜ = s (1 - (1 - (t - t₀)/(t₁ - t₀))³)     share of weights removed at step t, from 0 at t₀ to ``sparsity`` s at t₁
removed = the round(sₜ n) smallest |θ|     of the whole network's n weights, or of each layer's
θ ← 0 where removed                        after every step; what was removed stays removed

The weights of linear and convolution layers count, the last linear layer among them; biases and norm layers are never
touched. Gradients and momenta stay dense: a removed weight moves in a step and is set back after it. ``start`` equal
to ``end`` removes all at once. It bites when a network holds far more weights than its task needs: early removals, when
many are left to take over, are large, and late ones small.
"""

from torch import Tensor, nn

from temper.pruning.masks import Gradual, Masks, Removed, Scope, prunable_weights, smallest_within
from temper.quantity import Clock
from temper.strategy import Remover, strategy


@strategy
class Magnitude(Gradual):
    """Remove the weights that are smallest in magnitude, step by step."""

    scope: Scope

    def callback(self, clock: Clock, seed: int) -> Remover:
        """Return the callback that removes, and keeps removed."""
        return Masks(self.shares(clock), self._choose)

    def _choose(self, network: nn.Module, share: float, removed: Removed) -> dict[str, Tensor]:
        return smallest_within(self.scope, prunable_weights(network), share, removed)
