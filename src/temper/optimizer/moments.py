"""What Adam and its relatives share: the knobs of two running averages, and what torch calls them."""

from collections.abc import Sequence
from typing import Any

from temper.facts import ParameterGroup
from temper.optimizer.torch_groups import torch_groups
from temper.quantity import Forgetting, NonNegative, Positive
from temper.strategy import Optimizer, strategy


@strategy
class Moments(Optimizer):
    """An average of the gradient, over one of its size."""

    lr: Positive
    beta1: Forgetting
    beta2: Forgetting
    eps: Positive
    weight_decay: NonNegative

    def in_torch(self, groups: Sequence[ParameterGroup]) -> dict[str, Any]:
        """Return the knobs as arguments of torch's optimizers."""
        return {
            "params": torch_groups(groups, self.lr, self.weight_decay),
            "lr": self.lr,
            "betas": (self.beta1, self.beta2),
            "eps": self.eps,
        }


def check_decoupled(decoupled: bool, weight_decay: float) -> None:
    """Refuse to decouple a decay of 0; a ValueError says the way out."""
    if decoupled and weight_decay == 0:
        raise ValueError("decoupled=true has no decay to act on: set weight_decay, or decoupled=false")
