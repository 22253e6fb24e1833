"""Which parameters a penalty is over, and the sums that penalties are made of."""

from collections.abc import Mapping
from typing import Literal

import torch
from torch import Tensor

Over = Literal["weights", "all"]  # parameters of two or more dimensions, or biases and norm parameters too


def absolute_sum(parameters: Mapping[str, Tensor], over: Over) -> Tensor:
    """Return Σ|θᵢ| over the chosen parameters, ()."""
    chosen = _chosen(parameters, over)
    # One call for all tensors: a sum for each would cost several kernels for each.
    return torch.stack(torch._foreach_norm(chosen, 1)).sum() if chosen else _nothing(parameters)


def square_sum(parameters: Mapping[str, Tensor], over: Over) -> Tensor:
    """Return Σθᵢ² over the chosen parameters, ()."""
    chosen = _chosen(parameters, over)
    return torch.stack(torch._foreach_norm(chosen, 2)).square().sum() if chosen else _nothing(parameters)


def _chosen(parameters: Mapping[str, Tensor], over: Over) -> list[Tensor]:
    fewest = 2 if over == "weights" else 0
    return [parameter for parameter in parameters.values() if parameter.ndim >= fewest]


def _nothing(parameters: Mapping[str, Tensor]) -> Tensor:
    return next(iter(parameters.values())).new_zeros(())
