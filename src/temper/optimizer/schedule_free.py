"""What both schedule-free optimizers share: the average that is evaluated, found from what is trained."""

from abc import abstractmethod
from typing import Any

import torch
from torch import Tensor, nn

from temper.strategy import Optimizer


class ScheduleFree(Optimizer):
    """Steps whose average is evaluated."""

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
        """Return the keys of the authors' own that its average hangs on: steps, and weights of the mean."""
        return ("k", "weight_sum", "lr_max", "scheduled_lr")

    @property
    @abstractmethod
    def interpolation(self) -> float:
        """Return β: how far the weights that are trained lie on the way from z to the average x."""

    def shown(self, optimizer: torch.optim.Optimizer) -> dict[nn.Parameter, Tensor] | None:
        """Return x of y = (1 - β)z + βx for each weight y; None before the first step."""
        found = {  # after training Lightning has moved the optimizer's state to the CPU
            weight: weight.detach().lerp(optimizer.state[weight]["z"].to(weight.device), 1 - 1 / self.interpolation)
            for group in optimizer.param_groups
            for weight in group["params"]
            if "z" in optimizer.state.get(weight, {})
        }
        return found or None


def trained(optimizer: Any) -> torch.optim.Optimizer:
    """Return the authors' ``optimizer`` in the mode that trains, for good: what is evaluated is found beside it."""
    optimizer.train()
    built: torch.optim.Optimizer = optimizer
    return built
