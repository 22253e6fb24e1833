"""What both schedule-free optimizers share: the average that is evaluated, found from what is trained."""

import torch
from torch import Tensor, nn

COUNTED = ("k", "weight_sum", "lr_max", "scheduled_lr")  # in the authors' groups: steps, weights of the mean


def average_of_path(optimizer: torch.optim.Optimizer, interpolation: float) -> dict[nn.Parameter, Tensor] | None:
    """Return x of y = (1 - β)z + βx for each weight y, β being ``interpolation``; None before the first step."""
    found = {
        weight: weight.detach().lerp(optimizer.state[weight]["z"], 1 - 1 / interpolation)
        for group in optimizer.param_groups
        for weight in group["params"]
        if "z" in optimizer.state.get(weight, {})
    }
    return found or None
