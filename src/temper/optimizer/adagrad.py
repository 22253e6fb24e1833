"""Adagrad: divide by the root of all squared gradients so far (Duchi, Hazan and Singer, 2011, JMLR 12, diagonal form).

g = ∇J(θ) + λθ             the gradient, with weight decay λ coupled to it
G ← G + g²                 the sum of squares, one for each parameter; it only grows
θ ← θ - η g/(√G + ε)       rarely moved parameters keep a large rate; ε keeps the quotient finite

It bites on sparse features. On a long run G starves every step: rmsprop and adam forget, for that reason.
"""

from collections.abc import Sequence

import torch

from temper.facts import ParameterGroup
from temper.optimizer.torch_groups import kernels, torch_groups
from temper.quantity import NonNegative, Positive
from temper.strategy import Optimizer, strategy


@strategy
class Adagrad(Optimizer):
    """Gradient descent with a rate that falls, for each parameter on its own."""

    lr: Positive
    eps: Positive
    weight_decay: NonNegative

    def build(self, groups: Sequence[ParameterGroup]) -> torch.optim.Optimizer:
        """Return torch's Adagrad; its own decay of the rate stays off, for that is the scheduler's work."""
        fused = kernels(groups, fused_on=("cpu",))  # on CUDA only in torch versions after the first that will do
        return torch.optim.Adagrad(torch_groups(groups, self.lr, self.weight_decay), lr=self.lr, eps=self.eps, **fused)
