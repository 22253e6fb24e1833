"""Nesterov momentum: step along the velocity as it will be (Nesterov, 1983; Sutskever et al., 2013, in PyTorch's form).

g = ∇J(θ) + λθ       the gradient, with weight decay λ coupled to it
v ← γv + g           the velocity: what is left of past gradients; it starts as the first gradient
θ ← θ - η(g + γv)    the gradient, and the velocity as the next step would carry it on

It bites where momentum overshoots: looking a step ahead brakes sooner, which allows a larger γ or η.
"""

from collections.abc import Sequence
from typing import Self

import torch
from pydantic import model_validator

from temper.facts import ParameterGroup
from temper.optimizer.torch_groups import kernels, torch_groups
from temper.quantity import Forgetting, NonNegative, Positive
from temper.strategy import Optimizer, strategy


@strategy
class Nesterov(Optimizer):
    """Gradient descent with a velocity that looks ahead."""

    lr: Positive
    momentum: Forgetting
    weight_decay: NonNegative

    @model_validator(mode="after")
    def _moves(self) -> Self:
        if self.momentum == 0:
            raise ValueError("momentum must be above 0: there is nothing to look ahead along; optimizer=sgd has none")
        return self

    def build(self, groups: Sequence[ParameterGroup]) -> torch.optim.Optimizer:
        """Return torch's SGD with Nesterov's momentum."""
        return torch.optim.SGD(
            torch_groups(groups, self.lr, self.weight_decay),
            lr=self.lr,
            momentum=self.momentum,
            nesterov=True,
            **kernels(groups),
        )
