"""Schedule-free SGD: an average in the place of a falling rate (Defazio et al., 2024, arXiv:2405.15682, sect. 2).

y = (1 - β)z + βx               where gradients are taken: these are the weights that are trained
g = ∇J(y) + λy                  the gradient, with weight decay λ coupled to it
z ← z - ηₜ g                    plain steps at the rate η, during the warm-up ηₜ = η t/T
x ← (1 - cₜ)x + cₜ z             the average of all z, cₜ = ηₜ²/Σηᵢ²: what is evaluated and kept

Batch-norm statistics are computed anew for x whenever it is evaluated. It bites where the length of training is not
known beforehand: at any moment x is about as good as the end of a schedule made for that moment. It wants a rate some
ten times that of momentum, as only the share 1 - β of a step reaches y at once, and ``scheduler.warmup``.
"""

from collections.abc import Sequence

import torch

from temper.facts import ParameterGroup
from temper.optimizer.schedule_free import ScheduleFree, trained
from temper.optimizer.torch_groups import torch_groups
from temper.quantity import NonNegative, OpenFraction, Positive
from temper.strategy import strategy


@strategy
class ScheduleFreeSGD(ScheduleFree):
    """Plain steps, evaluated at their average."""

    lr: Positive
    beta: OpenFraction
    weight_decay: NonNegative

    @property
    def interpolation(self) -> float:
        """Return β."""
        return self.beta

    def build(self, groups: Sequence[ParameterGroup]) -> torch.optim.Optimizer:
        """Return the authors' own, which knows the rate of each step from its groups."""
        from schedulefree import SGDScheduleFree

        return trained(
            SGDScheduleFree(
                torch_groups(groups, self.lr, self.weight_decay), lr=self.lr, momentum=self.beta, foreach=True
            )
        )
