"""Adadelta: steps in the parameter's own units, without a rate to choose (Zeiler, 2012, arXiv:1212.5701, Algorithm 1).

g = ∇J(θ) + λθ                 the gradient, with weight decay λ coupled to it
G ← ρG + (1 - ρ)g²             the mean square of gradients
Δ = g √(D + ε)/√(G + ε)        a step as long as earlier ones, divided by the gradient's own length
D ← ρD + (1 - ρ)Δ²             the mean square of steps; it starts at 0, so that ε decides how the first steps grow
θ ← θ - ηΔ                     the paper has η = 1; a schedule may lower it

It bites when nothing is known of the scale of a problem. It starts slowly, by steps of about √(ε/(1 - ρ)), and rarely
ends ahead.
"""

from collections.abc import Sequence

import torch

from temper.facts import ParameterGroup
from temper.optimizer.torch_groups import torch_groups
from temper.quantity import Forgetting, NonNegative, Positive
from temper.strategy import Optimizer, strategy


@strategy
class Adadelta(Optimizer):
    """Gradient descent by the ratio of mean step to mean gradient."""

    lr: Positive
    rho: Forgetting
    eps: Positive
    weight_decay: NonNegative

    def build(self, groups: Sequence[ParameterGroup]) -> torch.optim.Optimizer:
        """Return torch's Adadelta."""
        return torch.optim.Adadelta(
            torch_groups(groups, self.lr, self.weight_decay), lr=self.lr, rho=self.rho, eps=self.eps, foreach=True
        )
