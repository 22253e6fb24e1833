"""What lars and lamb have in common: a step as long as its layer's weights allow. A layer is one parameter tensor.

Where a group's parameters do not decay (by `groups`: biases and norm parameters), they take the rate as it stands: the
length of a bias that starts at 0 says nothing about how far it may move.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from temper.facts import ParameterGroup
from temper.optimizer.torch_groups import torch_groups


def layerwise_groups(groups: Sequence[ParameterGroup], lr: float, weight_decay: float) -> list[dict[str, Any]]:
    """Return torch's dictionaries for ``groups``; ``adapts`` says whether lengths count."""
    made = torch_groups(groups, lr, weight_decay)
    return [{**each, "adapts": group.decay > 0} for each, group in zip(made, groups, strict=True)]


class Layerwise(torch.optim.Optimizer, ABC):
    """Steps that look at whole layers, group by group, without a word to the host."""

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """Take a step; ``closure`` computes the gradients first."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            weights = [weight for weight in group["params"] if weight.grad is not None]
            if weights:
                self.move(group, weights, [weight.grad for weight in weights])
        return loss

    @abstractmethod
    def move(self, group: dict[str, Any], weights: list[Tensor], gradients: list[Tensor]) -> None:
        """Move ``weights`` of ``group`` in place; ``gradients`` stay as they are."""

    def remembered(self, name: str, weights: list[Tensor]) -> list[Tensor]:
        """Return what is remembered of each of ``weights`` as ``name``; it starts at 0."""
        for weight in weights:
            if name not in self.state[weight]:
                self.state[weight][name] = torch.zeros_like(weight, memory_format=torch.preserve_format)
        return [self.state[weight][name] for weight in weights]


def lengths(tensors: list[Tensor]) -> Tensor:
    """Return the Euclidean norm of each tensor, (len(tensors),), in float32 or better."""
    precision = torch.promote_types(tensors[0].dtype, torch.float32)
    return torch.stack(torch._foreach_norm([tensor.to(precision) for tensor in tensors], 2))


def ratios(over: Tensor, under: Tensor) -> list[Tensor]:
    """Return each ``over / under``; 1 where either is 0: a weight that is all zeros must be able to leave."""
    return list(torch.where((over > 0) & (under > 0), over / under, 1.0).unbind())
