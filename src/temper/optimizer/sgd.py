"""Gradient descent: step against the gradient (Robbins and Monro, 1951, doi:10.1214/aoms/1177729586, for noisy ones).

g = ∇J(θ) + λθ     the gradient, with weight decay λ coupled to it: it is scaled by the rate as the gradient is
θ ← θ - ηg         every parameter moves by the rate η times its gradient

It bites when directions of very different curvature share one η: the steepest of them bounds it, the flattest crawl.
"""

from collections.abc import Sequence

import torch

from temper.facts import ParameterGroup
from temper.optimizer.torch_groups import kernels, torch_groups
from temper.quantity import NonNegative, Positive
from temper.strategy import Optimizer, strategy


@strategy
class SGD(Optimizer):
    """Plain gradient descent; stochastic as soon as a batch is less than the whole training set."""

    lr: Positive
    weight_decay: NonNegative

    def build(self, groups: Sequence[ParameterGroup]) -> torch.optim.Optimizer:
        """Return torch's SGD without momentum."""
        return torch.optim.SGD(torch_groups(groups, self.lr, self.weight_decay), lr=self.lr, **kernels(groups))
