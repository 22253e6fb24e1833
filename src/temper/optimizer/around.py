"""Optimizers that hold another: what is around it adds to its steps, and shares its groups and its state."""

from collections.abc import Mapping
from typing import Any

import torch
from pydantic import InstanceOf
from torch import Tensor

from temper.strategy import Optimizer, strategy


@strategy
class OverBase(Optimizer):
    """An optimizer that adds to the steps of another, its base, and takes the base's rate."""

    base: InstanceOf[Optimizer]

    @property
    def lr(self) -> float:  # type: ignore[override]
        """Return the base's rate."""
        return self.base.lr

    @property
    def rate_key(self) -> str:
        """Return the base's."""
        return f"base.{self.base.rate_key}"

    def multiply_adds(self, weights: Mapping[str, Tensor]) -> int:
        """Return the base's."""
        return self.base.multiply_adds(weights)

    def check(self, steps: int) -> None:
        """Refuse what the base does."""
        self.base.check(steps)


class Around(torch.optim.Optimizer):
    """An optimizer around ``inner``: schedule, checkpoint and clipping see the groups and the state of that one."""

    def __init__(self, inner: torch.optim.Optimizer) -> None:
        super().__init__([{"params": []}], dict(inner.defaults))
        self.inner = inner
        self._share()

    @property
    def ascending(self) -> bool:
        """Return whether the gradient that is being taken is not the one that the step follows."""
        return bool(getattr(self.inner, "ascending", False))

    def state_dict(self) -> dict[str, Any]:
        """Return the state of the inner optimizer."""
        return self.inner.state_dict()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from what ``state_dict`` returned."""
        self.inner.load_state_dict(state_dict)
        self._share()

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients."""
        self.inner.zero_grad(set_to_none)

    def _share(self) -> None:
        # Loading a state puts new containers in the place of the old ones.
        self.param_groups, self.state = self.inner.param_groups, self.inner.state
