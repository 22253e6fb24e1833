"""AdamW: Adam with the weight decay taken out of the gradient (Loshchilov and Hutter, 2019, arXiv:1711.05101, Alg. 2).

θ ← θ - ηλθ                     weight decay λ, decoupled: every weight shrinks by the same share of itself
m ← β₁m + (1 - β₁)g             the mean of gradients g = ∇J(θ), taken before the decay
v ← β₂v + (1 - β₂)g²            the mean square
m̂ = m/(1 - β₁ᵗ)                 what a mean that starts at 0 lacks after t steps, made good; v̂ likewise with β₂
θ ← θ - η m̂/(√v̂ + ε)            every parameter moves by at most about η; ε keeps the quotient finite

As in PyTorch the rate η, with its schedule, scales the decay; the paper scales it by the schedule alone. It bites
wherever adam is to be regularised: there the decay would be divided by √v̂ and hardly touch the weights that move most.
"""

from collections.abc import Sequence

import torch

from temper.facts import ParameterGroup
from temper.optimizer.moments import Moments
from temper.optimizer.torch_groups import kernels
from temper.strategy import strategy


@strategy
class AdamW(Moments):
    """Adaptive moments with decoupled weight decay."""

    def build(self, groups: Sequence[ParameterGroup]) -> torch.optim.Optimizer:
        """Return torch's AdamW."""
        return torch.optim.AdamW(**self.in_torch(groups), **kernels(groups))
