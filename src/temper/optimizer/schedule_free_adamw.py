"""Schedule-free AdamW: an average in the place of a falling rate and of the mean gradient (Defazio et al., 2024).

y = (1 - β₁)z + β₁x                    where gradients g = ∇J(y) are taken: these are the weights that are trained
v ← β₂v + (1 - β₂)g²                   the mean square
v̂ = v/(1 - β₂ᵗ)                        what a mean that starts at 0 lacks after t steps, made good
z ← z - ηₜ (g/(√v̂ + ε) + λy)           weight decay λ, decoupled; during the warm-up ηₜ = η t/T
x ← (1 - cₜ)x + cₜ z                    the average of all z, cₜ = ηₜ²/Σηᵢ²: what is evaluated and kept

From arXiv:2405.15682, Algorithm 1, as its authors' package has it since: the paper multiplies ηₜ by √(1 - β₂ᵗ) instead
of correcting v, which counts early steps less in the average and makes ε larger in them. Batch-norm statistics are
computed anew for x whenever it is evaluated. It bites where the length of training is not known beforehand; it wants a
rate one to ten times that of adamw, and ``scheduler.warmup``.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from temper.facts import ParameterGroup
from temper.optimizer.averaged_path import COUNTED, average_of_path
from temper.optimizer.torch_groups import torch_groups
from temper.quantity import Forgetting, NonNegative, OpenFraction, Positive
from temper.strategy import Optimizer, strategy


@strategy
class ScheduleFreeAdamW(Optimizer):
    """Adaptive steps, evaluated at their average."""

    lr: Positive
    beta1: OpenFraction
    beta2: Forgetting
    eps: Positive
    weight_decay: NonNegative

    @property
    def paces_itself(self) -> bool:
        """Return that a schedule would work against it."""
        return True

    @property
    def averages(self) -> bool:
        """Return that its average is evaluated."""
        return True

    @property
    def counted(self) -> tuple[str, ...]:
        """Return the keys of the authors' own that its average hangs on."""
        return COUNTED

    def build(self, groups: Sequence[ParameterGroup]) -> torch.optim.Optimizer:
        """Return the authors' own, which knows the rate of each step from its groups."""
        from schedulefree import AdamWScheduleFree

        optimizer: Any = AdamWScheduleFree(
            torch_groups(groups, self.lr, self.weight_decay),
            lr=self.lr,
            betas=(self.beta1, self.beta2),
            eps=self.eps,
            foreach=True,
        )
        optimizer.train()  # for good: what is evaluated is found without a change to what is trained
        built: torch.optim.Optimizer = optimizer
        return built

    def shown(self, optimizer: torch.optim.Optimizer) -> dict[nn.Parameter, Tensor] | None:
        """Return the average x."""
        return average_of_path(optimizer, self.beta1)
