"""Muon: momentum whose directions are all made equally strong (Jordan et al., 2024, kellerjordan.github.io/posts/muon).

B ← μB + G                              the velocity of a weight matrix with gradient G = ∇J(W)
M = G + μB                              with ``nesterov``; otherwise M = B
O = UVᵀ, of M = USVᵀ                    about: every direction of M with strength 1, by a few rounds of Newton-Schulz
W ← W - ηλW                             weight decay, decoupled
W ← W - η √max(1, rows/columns) O       so that the length of a step depends on the rate alone

Every weight of two or more dimensions is a matrix, a convolution's one row an output; biases and norm parameters follow
the ``rest``, another optimizer with a rate of its own, and so does the last layer with ``head`` at rest. With
``normalize`` each matrix is brought to the norm √rows before a step (Jordan, 2024, airbench94_muon), which suits layers
that a norm layer follows. It bites in few epochs: a gradient is nearly of low rank, and its weak directions wait long
under other rules. A step costs products of a layer's weight with itself, much beside small batches.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, Self

import torch
from pydantic import InstanceOf, model_validator
from torch import Tensor

from temper.facts import ParameterGroup
from temper.optimizer.newton_schulz import multiply_adds, orthogonalized
from temper.optimizer.torch_groups import torch_groups
from temper.quantity import Count, Forgetting, NonNegative, Positive, Switch
from temper.sharding import placed_like, whole
from temper.strategy import Optimizer, option, strategy

_TINY = 1e-12  # below any norm of a weight that is not zero


@strategy
class Muon(Optimizer):
    """Orthogonalized momentum for matrices, another optimizer for the rest."""

    lr: Positive
    momentum: Forgetting
    nesterov: Switch
    rounds: Count
    weight_decay: NonNegative
    normalize: Switch
    head: Literal["muon", "rest"]
    rest: InstanceOf[Optimizer]

    @model_validator(mode="after")
    def _goes_together(self) -> Self:
        if self.nesterov and self.momentum == 0:
            raise ValueError("nesterov looks ahead along a velocity, and momentum=0 leaves none: nesterov=false")
        if self.normalize and self.weight_decay > 0:
            raise ValueError(
                "weight_decay would shrink what normalize brings back to its length: weight_decay=0, or normalize=false"
            )
        if isinstance(self.rest, Muon) or self.rest.passes > 1 or self.rest.averages:
            raise ValueError(
                f"rest={option(self.rest)} is no rule for biases alone: choose a plain one,"
                " such as optimizer@optimizer.rest=adamw"
            )
        return self

    @property
    def counted(self) -> tuple[str, ...]:
        """Return what the rest counts."""
        return self.rest.counted

    def multiply_adds(self, weights: Mapping[str, Tensor]) -> int:
        """Return those of Newton-Schulz; the rest has none."""
        return sum(
            multiply_adds(weight.shape, self.rounds) for name, weight in weights.items() if self._takes(name, weight)
        )

    def build(self, groups: Sequence[ParameterGroup]) -> torch.optim.Optimizer:
        """Return one optimizer of both kinds of parameters."""
        matrices = [_part(group, lambda name, weight: self._takes(name, weight)) for group in groups]
        others = [_part(group, lambda name, weight: not self._takes(name, weight)) for group in groups]
        own, left = [group for group in matrices if group.names], [group for group in others if group.names]
        return _Steps(
            torch_groups(own, self.lr, self.weight_decay),
            self.rest.build(left) if left else None,
            momentum=self.momentum,
            nesterov=self.nesterov,
            rounds=self.rounds,
            normalize=self.normalize,
        )

    def _takes(self, name: str, weight: Tensor) -> bool:
        in_head = "head" in name.split(".")
        return weight.ndim >= 2 and not (in_head and self.head == "rest")


def _part(group: ParameterGroup, wanted: Callable[[str, Tensor], bool]) -> ParameterGroup:
    named = {n: w for n, w in zip(group.names, group.parameters, strict=True) if wanted(n, w)}
    return replace(group, names=tuple(named), parameters=tuple(named.values()))


class _Steps(torch.optim.Optimizer):
    def __init__(
        self,
        groups: list[dict[str, Any]],
        rest: torch.optim.Optimizer | None,
        *,
        momentum: float,
        nesterov: bool,
        rounds: int,
        normalize: bool,
    ) -> None:
        super().__init__(groups or [{"params": []}], {})
        self.momentum, self.nesterov, self.rounds, self.normalize = momentum, nesterov, rounds, normalize
        self.rest, self._own = rest, len(groups)
        self.param_groups = self.param_groups[: self._own] + (rest.param_groups if rest is not None else [])
        self._share()

    def state_dict(self) -> dict[str, Any]:
        """Return the state of both, as the rest would have its own kept."""
        saved = super().state_dict()
        if self.rest is not None:
            for hook in self.rest._optimizer_state_dict_post_hooks.values():
                saved = hook(self, saved) or saved
        return saved

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from what ``state_dict`` returned."""
        super().load_state_dict(state_dict)
        self._share()

    def _share(self) -> None:
        if self.rest is not None:
            self.rest.param_groups, self.rest.state = self.param_groups[self._own :], self.state

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take a step of both rules by the gradient that ``closure`` leaves."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups[: self._own]:
            weights: list[Tensor] = [weight for weight in group["params"] if weight.grad is not None]
            if weights:
                self._step(weights, group["lr"], group["weight_decay"])
        if self.rest is not None:
            self.rest.step()
        return loss

    def _step(self, weights: list[Tensor], lr: float, weight_decay: float) -> None:
        for weight in weights:
            if "velocity" not in self.state[weight]:
                self.state[weight]["velocity"] = torch.zeros_like(weight)
        gradients = [weight.grad for weight in weights if weight.grad is not None]
        velocities = [self.state[weight]["velocity"] for weight in weights]
        torch._foreach_mul_(velocities, self.momentum)
        torch._foreach_add_(velocities, gradients)
        moves = torch._foreach_add(gradients, velocities, alpha=self.momentum) if self.nesterov else velocities
        if self.normalize:
            norms = list(torch._foreach_norm(weights))
            torch._foreach_clamp_min_(norms, _TINY)
            torch._foreach_div_(weights, norms)
            torch._foreach_mul_(weights, [len(weight) ** 0.5 for weight in weights])
        elif weight_decay:
            torch._foreach_mul_(weights, 1 - lr * weight_decay)
        alike: dict[tuple[torch.Size, torch.dtype, torch.device], list[int]] = {}
        for position, weight in enumerate(weights):
            alike.setdefault((weight.shape, weight.dtype, weight.device), []).append(position)
        for positions in alike.values():  # many small products at once
            together = [weights[position] for position in positions]
            turned = orthogonalized([whole(moves[position]) for position in positions], self.rounds)
            rows, columns = turned.shape[1:]
            steps = turned.to(together[0].dtype).reshape(len(together), *together[0].shape).unbind()
            cut = [placed_like(step, weight) for step, weight in zip(steps, together, strict=True)]
            torch._foreach_add_(together, cut, alpha=-lr * max(1.0, rows / columns) ** 0.5)
