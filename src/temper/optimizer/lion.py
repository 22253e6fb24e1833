"""Lion: steps of one length for every parameter, by the sign of its momentum (Chen et al., 2023, arXiv:2302.06675).

c = β₁m + (1 - β₁)g        what the step follows: closer to the gradient g = ∇J(θ) than the momentum is (Algorithm 2)
θ ← θ - η(sign(c) + λθ)    every parameter moves by exactly η; weight decay λ is decoupled
m ← β₂m + (1 - β₂)g        the momentum: all that is remembered, half as much as adam's

It bites with large batches, whose signs are sure. Steps do not shrink with the gradient, so η wants a third to a tenth
of adamw's and a schedule that ends low, and λ as many times more: η·λ is what takes weights away.
"""

from collections.abc import Sequence

import torch

from temper.facts import ParameterGroup
from temper.optimizer.torch_groups import torch_groups
from temper.quantity import Forgetting, NonNegative, Positive
from temper.strategy import Optimizer, strategy


@strategy
class Lion(Optimizer):
    """Steps by sign, with decoupled weight decay."""

    lr: Positive
    beta1: Forgetting
    beta2: Forgetting
    weight_decay: NonNegative

    @property
    def counted(self) -> tuple[str, ...]:
        """Return the key of its steps."""
        return ("step",)

    def build(self, groups: Sequence[ParameterGroup]) -> torch.optim.Optimizer:
        """Return pytorch-optimizer's Lion."""
        from pytorch_optimizer.optimizer.lion import Lion as Sign

        optimizer = Sign(
            torch_groups(groups, self.lr, self.weight_decay),
            lr=self.lr,
            betas=(self.beta1, self.beta2),
            weight_decouple=True,
            foreach=True,
        )
        for group in optimizer.param_groups:
            group["step"] = 0  # as after its first step: a checkpoint is told from another optimizer's by such keys
        return optimizer
