"""Adamax: Adam by the largest gradient, not the mean square (Kingma and Ba, 2015, arXiv:1412.6980, Algorithm 2).

g = ∇J(θ) + λθ             the gradient, with weight decay λ coupled to it
m ← β₁m + (1 - β₁)g        the mean gradient
u ← max(β₂u, |g| + ε)      the largest gradient of late, one for each parameter; ε, PyTorch's, keeps the quotient finite
θ ← θ - η m/((1 - β₁ᵗ)u)   every parameter moves by at most about η; u needs no correction for its start at 0

It bites where gradients are rare or come in bursts (embeddings): a burst bounds the step at once, and u forgets slowly.
"""

from collections.abc import Sequence

import torch

from temper.facts import ParameterGroup
from temper.optimizer.moments import Moments
from temper.strategy import strategy


@strategy
class Adamax(Moments):
    """Adaptive moments of which the second is a maximum."""

    def build(self, groups: Sequence[ParameterGroup]) -> torch.optim.Optimizer:
        """Return torch's Adamax."""
        return torch.optim.Adamax(**self.in_torch(groups), foreach=True)
