"""RMSprop: divide by the root of a running mean of squares (Tieleman and Hinton, 2012, Coursera lecture 6.5).

g = ∇J(θ) + λθ             the gradient, with weight decay λ coupled to it
G ← αG + (1 - α)g²         the mean square of about the last 1/(1 - α) gradients; it starts at 0
θ ← θ - η g/(√G + ε)       every parameter moves by about η, whatever the size of its gradient
θ ← θ - ηv                 instead, where a momentum γ is given, along the velocity v ← γv + g/(√G + ε)

It bites where gradients differ in size over layers or over time. As G starts at 0 and is not corrected for it, the
first steps are up to 1/√(1 - α) times as long; a warm-up takes care of them.
"""

from collections.abc import Sequence

import torch

from temper.facts import ParameterGroup
from temper.optimizer.torch_groups import torch_groups
from temper.quantity import Forgetting, NonNegative, Positive
from temper.strategy import Optimizer, strategy


@strategy
class RMSprop(Optimizer):
    """Gradient descent, each parameter measured by its recent gradients."""

    lr: Positive
    alpha: Forgetting
    momentum: Forgetting | None
    eps: Positive
    weight_decay: NonNegative

    def build(self, groups: Sequence[ParameterGroup]) -> torch.optim.Optimizer:
        """Return torch's RMSprop, not centred."""
        return torch.optim.RMSprop(
            torch_groups(groups, self.lr, self.weight_decay),
            lr=self.lr,
            alpha=self.alpha,
            momentum=self.momentum or 0.0,
            eps=self.eps,
            foreach=True,
        )
