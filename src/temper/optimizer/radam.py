"""RAdam: Adam that waits until it can trust its mean square (Liu et al., 2020, arXiv:1908.03265, Algorithm 2).

g = ∇J(θ) + λθ                               the gradient, with weight decay λ coupled to it
θ ← θ - ηλθ                                  instead of that where `decoupled`: as in adamw
m ← β₁m + (1 - β₁)g                          the mean gradient; m̂ = m/(1 - β₁ᵗ)
v ← β₂v + (1 - β₂)g²                         the mean square
ρ = ρ∞ - 2tβ₂ᵗ/(1 - β₂ᵗ)                     how many gradients v is worth; ρ∞ = 2/(1 - β₂) - 1 in the end
r² = (ρ - 4)(ρ - 2)ρ∞/((ρ∞ - 4)(ρ∞ - 2)ρ)    how much its root can be trusted
θ ← θ - ηm̂                                   while ρ is at most 5 (the paper: 4): momentum alone
θ ← θ - ηr m̂√(1 - β₂ᵗ)/(√v + ε)              from then on; ε keeps the quotient finite

It bites at the start of training, in place of a warm-up: adam's first quotients are drawn from a handful of gradients.
"""

from collections.abc import Sequence
from typing import Self

import torch
from pydantic import model_validator

from temper.facts import ParameterGroup
from temper.optimizer.moments import Moments, check_decoupled
from temper.quantity import Switch
from temper.strategy import strategy

_TRUSTED = 5.0  # gradients that the mean square must be worth


@strategy
class RAdam(Moments):
    """Adaptive moments with a rectified start."""

    decoupled: Switch

    @model_validator(mode="after")
    def _rectifies(self) -> Self:
        if 2 / (1 - self.beta2) - 1 <= _TRUSTED:
            raise ValueError(
                "beta2 must be above 2/3: below, the mean square is never trusted; optimizer=momentum has none"
            )
        check_decoupled(self.decoupled, self.weight_decay)
        return self

    def build(self, groups: Sequence[ParameterGroup]) -> torch.optim.Optimizer:
        """Return torch's RAdam."""
        return torch.optim.RAdam(**self.in_torch(groups), decoupled_weight_decay=self.decoupled, foreach=True)
