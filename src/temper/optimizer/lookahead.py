"""Lookahead: slow weights that follow fast ones at intervals (Zhang et al., 2019, arXiv:1907.08610, Algorithm 1).

θ ← a step of the base optimizer     fast weights: those that are trained
every k steps:
  φ ← φ + α(θ - φ)                   slow weights: they begin where training begins, and go the share α of the way
  θ ← φ                              the fast weights start again from there; what the base remembers goes on

The slow weights are what is evaluated and kept, with batch-norm statistics computed anew for them; no averaging goes on
top of these. It bites where fast weights swing about: a rate that is too high for the base does less harm.
"""

from collections.abc import Callable, Sequence
from typing import Any, Self

import torch
from pydantic import model_validator
from torch import Tensor, nn

from temper.facts import ParameterGroup
from temper.optimizer.around import Around, OverBase
from temper.quantity import Count, OpenFraction
from temper.sharding import local
from temper.strategy import option, strategy

_SLOW, _TAKEN = "slow", "steps_since_slow"  # in the state of a weight, and in the first group


@strategy
class Lookahead(OverBase):
    """Any optimizer, held back by slow weights."""

    k: Count
    alpha: OpenFraction

    @model_validator(mode="after")
    def _has_a_base_of_its_own(self) -> Self:
        if self.base.averages:
            raise ValueError(
                f"base={option(self.base)} evaluates an average of its own, which slow weights would upset:"
                " choose another base, such as optimizer@optimizer.base=adam"
            )
        return self

    @property
    def passes(self) -> int:
        """Return how many gradients a step of the base takes."""
        return self.base.passes

    @property
    def averages(self) -> bool:
        """Return that the slow weights are evaluated."""
        return True

    @property
    def counted(self) -> tuple[str, ...]:
        """Return what the base counts, and the steps since the slow weights moved."""
        return (*self.base.counted, _TAKEN)

    def check(self, steps: int) -> None:
        """Refuse a run in which the slow weights would never move."""
        super().check(steps)
        if self.k > steps:
            raise ValueError(
                f"lookahead's k={self.k}: the run has {steps} steps, so that the slow weights, which are evaluated,"
                f" would never move: choose k of at most {steps}, or raise epochs"
            )

    def build(self, groups: Sequence[ParameterGroup]) -> torch.optim.Optimizer:
        """Return the base's optimizer, called back every ``k`` steps."""
        return _Following(self.base.build(groups), self.k, self.alpha)

    def shown(self, optimizer: torch.optim.Optimizer) -> dict[nn.Parameter, Tensor] | None:
        """Return the slow weights; None before the first step."""
        assert isinstance(optimizer, _Following)
        return optimizer.slow or None


class _Following(Around):
    def __init__(self, inner: torch.optim.Optimizer, k: int, alpha: float) -> None:
        super().__init__(inner)
        self.k, self.alpha = k, alpha
        self.slow: dict[nn.Parameter, Tensor] = {}  # apart from the base's state, whose being empty means something
        self.param_groups[0][_TAKEN] = 0

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take a step of the base, and let the slow weights follow where it is their turn."""
        weights = [weight for group in self.param_groups for weight in group["params"]]
        if not self.slow:
            self.slow = {weight: weight.detach().clone() for weight in weights}
        loss = self.inner.step(closure)
        self.param_groups[0][_TAKEN] += 1
        if self.param_groups[0][_TAKEN] == self.k:
            self.param_groups[0][_TAKEN] = 0
            slow = [self.slow[weight] for weight in weights]
            torch._foreach_lerp_(slow, weights, self.alpha)
            torch._foreach_copy_(local(weights), local(slow))
        return loss

    def state_dict(self) -> dict[str, Any]:
        """Return the base's state, with each weight's slow one in it."""
        state = super().state_dict()
        weights = [weight for group in self.param_groups for weight in group["params"]]
        states = {
            number: state["state"].get(number, {}) | ({_SLOW: self.slow[weight]} if self.slow else {})
            for number, weight in enumerate(weights)
        }
        return {**state, "state": {number: held for number, held in states.items() if held}}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from what ``state_dict`` returned."""
        states = {number: dict(held) for number, held in state_dict["state"].items()}
        slow = {number: held.pop(_SLOW) for number, held in states.items() if _SLOW in held}
        states = {number: held for number, held in states.items() if held}
        super().load_state_dict({**state_dict, "state": states})
        weights = [weight for group in self.param_groups for weight in group["params"]]
        self.slow = {weight: slow[number].to(weight.device) for number, weight in enumerate(weights) if number in slow}
