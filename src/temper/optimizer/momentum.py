"""Momentum: step along a decaying sum of gradients (Polyak, 1964, doi:10.1016/0041-5553(64)90137-5; PyTorch's form).

g = ∇J(θ) + λθ     the gradient, with weight decay λ coupled to it
v ← γv + g         the velocity: what is left of past gradients; it starts as the first gradient
θ ← θ - ηv         every parameter moves by the rate η times its velocity

At a constant η this is the textbook's v ← γv + ηg, θ ← θ - v with its velocity divided by η. When η changes, ours
rescales the whole velocity at once, the textbook's only what is added to it. It bites along narrow valleys, where it
cancels what oscillates and adds up what stays: steps grow up to 1/(1 - γ) times, so η is to be smaller than for sgd.
"""

from collections.abc import Sequence

import torch

from temper.facts import ParameterGroup
from temper.optimizer.torch_groups import kernels, torch_groups
from temper.quantity import Forgetting, NonNegative, Positive
from temper.strategy import Optimizer, strategy


@strategy
class Momentum(Optimizer):
    """Gradient descent with a velocity."""

    lr: Positive
    momentum: Forgetting
    weight_decay: NonNegative

    def build(self, groups: Sequence[ParameterGroup]) -> torch.optim.Optimizer:
        """Return torch's SGD with momentum and without dampening."""
        return torch.optim.SGD(
            torch_groups(groups, self.lr, self.weight_decay),
            lr=self.lr,
            momentum=self.momentum,
            **kernels(groups),
        )
