"""Adam: the mean gradient over the root of the mean square (Kingma and Ba, 2015, arXiv:1412.6980, Algorithm 1).

g = ∇J(θ) + λθ                  the gradient, with weight decay λ coupled to it: the division weakens it where g is big
m ← β₁m + (1 - β₁)g             the mean gradient
v ← β₂v + (1 - β₂)g²            the mean square
m̂ = m/(1 - β₁ᵗ)                 what a mean that starts at 0 lacks after t steps, made good; v̂ likewise with β₂
θ ← θ - η m̂/(√v̂ + ε)            every parameter moves by at most about η; ε keeps the quotient finite

It bites where layers see gradients of very different size, and it forgives a rate chosen roughly. To decay weights,
adamw is the one to use.
"""

from collections.abc import Sequence

import torch

from temper.facts import ParameterGroup
from temper.optimizer.moments import Moments
from temper.optimizer.torch_groups import kernels
from temper.strategy import strategy


@strategy
class Adam(Moments):
    """Adaptive moments with weight decay coupled to the gradient."""

    def build(self, groups: Sequence[ParameterGroup]) -> torch.optim.Optimizer:
        """Return torch's Adam."""
        return torch.optim.Adam(**self.in_torch(groups), **kernels(groups))
