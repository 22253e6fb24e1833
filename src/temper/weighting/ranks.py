"""What a process measured of its share of a step, made into what the whole step gave."""

import torch
from torch import Tensor


def over_ranks(values: Tensor) -> Tensor:
    """Return the mean of ``values`` over all processes, the same on each; without processes, ``values`` themselves."""
    if not (torch.distributed.is_available() and torch.distributed.is_initialized()):
        return values
    together = values.clone()
    torch.distributed.all_reduce(together)
    return together / torch.distributed.get_world_size()
