"""Sharpness-aware minimization: follow the gradient of the worst point nearby (Foret et al., 2021, arXiv:2010.01412).

g = ∇J(θ)                            first pass, at the weights themselves
e = ρ g/‖g‖                          eq. 2: the way up, of length ρ, over all parameters together
e = ρ T²g/‖Tg‖, T = |θ| + 0.01       with ``adaptive`` (Kwon et al., 2021, arXiv:2102.11600): large weights go far
g' = ∇J(θ + e)                       second pass, over the same examples
θ ← the base optimizer's step from θ by g'

It bites where training fits all and the test set tells of it: of two minima the flatter one is found. A step costs
twice as much. The first gradient is what the whole batch has, averaged over processes, and is not clipped; dropout
drops the same units in both passes; batch-norm statistics, and the loss, accuracy and gradient norm that are recorded,
are those of θ.
"""

from collections.abc import Callable, Sequence
from typing import Any, Self

import torch
from pydantic import model_validator
from torch import Tensor, nn

from temper.facts import ParameterGroup
from temper.optimizer.around import Around, OverBase
from temper.quantity import Positive, Switch
from temper.sharding import local
from temper.strategy import option, strategy

_TINY = 1e-12  # keeps a gradient of zero from being divided by its length
_FLOOR = 0.01  # η of arXiv:2102.11600, section 4: what a weight of zero may still move


@strategy
class SAM(OverBase):
    """Any optimizer, by the gradient of the worst point nearby."""

    rho: Positive
    adaptive: Switch

    @model_validator(mode="after")
    def _has_a_base_of_its_own(self) -> Self:
        if self.base.passes > 1:
            raise ValueError(
                f"base={option(self.base)} climbs already: choose another base, such as optimizer@optimizer.base=adam"
            )
        return self

    @property
    def passes(self) -> int:
        """Return that a step takes two gradients."""
        return 2

    @property
    def paces_itself(self) -> bool:
        """Return whether a schedule would work against the base."""
        return self.base.paces_itself

    @property
    def averages(self) -> bool:
        """Return whether the base's average is evaluated."""
        return self.base.averages

    @property
    def counted(self) -> tuple[str, ...]:
        """Return what the base counts."""
        return self.base.counted

    def build(self, groups: Sequence[ParameterGroup]) -> torch.optim.Optimizer:
        """Return the base's optimizer, each of its steps with a way up before it."""
        return _Climbing(self.base.build(groups), self.rho, self.adaptive)

    def shown(self, optimizer: torch.optim.Optimizer) -> dict[nn.Parameter, Tensor] | None:
        """Return what the base shows."""
        assert isinstance(optimizer, Around)
        return self.base.shown(optimizer.inner)


class _Climbing(Around):
    def __init__(self, inner: torch.optim.Optimizer, rho: float, adaptive: bool) -> None:
        super().__init__(inner)
        self.rho, self.adaptive = rho, adaptive
        self._up = False

    @property
    def ascending(self) -> bool:
        """Return whether the first gradient is being taken."""
        return self._up

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take a step; ``closure`` is called twice, and the first loss is returned."""
        assert closure is not None, "the second gradient is the closure's"
        self._up = True
        try:
            with torch.enable_grad():
                loss = closure()
        finally:
            self._up = False
        weights: list[Tensor] = [w for group in self.param_groups for w in group["params"] if w.grad is not None]
        before = [weight.clone() for weight in weights]
        self._climb(weights)
        with torch.enable_grad():
            closure()
        # Exactly: e added and taken off again would leave what was rounded.
        torch._foreach_copy_(local(weights), local(before))
        self.inner.step()
        return loss

    def _climb(self, weights: list[Tensor]) -> None:
        way = [weight.grad for weight in weights if weight.grad is not None]
        if not way:
            return
        if self.adaptive:
            scale = torch._foreach_abs(weights)
            torch._foreach_add_(scale, _FLOOR)
            way = list(torch._foreach_mul(way, scale))
        length = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(way)))
        if self.adaptive:
            torch._foreach_mul_(way, scale)
        torch._foreach_add_(weights, list(torch._foreach_mul(way, self.rho / (length + _TINY))))
