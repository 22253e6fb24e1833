"""What the prunings share: which weights count, how many of them go when, and the masks that hold them at zero.

sₜ = s (1 - (1 - (t - t₀)/(t₁ - t₀))³)     share removed at step t, from 0 at t₀ to s at t₁ (arXiv:1710.01878, eq. 1)
θ ← 0 where removed                        after every step; what was removed stays removed

The weights of linear and convolution layers count, the last linear layer among them; biases and norm layers do not.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any, Literal, Self

import lightning as L
import torch
from pydantic import model_validator
from torch import Tensor, nn

from temper.quantity import Clock, Fraction, ProperFraction, Span, parse_span, span_steps
from temper.strategy import Pruning, Remover, strategy

Scope = Literal["global", "layer"]
Removed = Mapping[str, Tensor]  # by a parameter's name, true where it is held at zero
Choose = Callable[[nn.Module, float, Removed], dict[str, Tensor]]  # network, share, removed by now -> removed from now

_PRUNED = (
    nn.Linear,
    nn.Conv1d,
    nn.Conv2d,
    nn.Conv3d,
    nn.ConvTranspose1d,
    nn.ConvTranspose2d,
    nn.ConvTranspose3d,
)


@strategy
class Gradual(Pruning):
    """More and more is removed, from ``start`` to ``end``."""

    sparsity: ProperFraction
    start: Fraction
    end: Fraction
    every: Span

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.start > self.end:
            raise ValueError(
                f"start must be at most end ({self.end}), not {self.start}; equal ones remove everything at once"
            )
        if parse_span(self.every)[0] == 0:
            raise ValueError("every must be longer than 0: 1steps removes after each step")
        return self

    def begins(self, clock: Clock) -> int:
        """Return the first step at which the share is above 0."""
        return next((step for step, share in self.shares(clock).items() if share > 0), clock.total_steps)

    def settled(self, clock: Clock) -> int:
        """Return ``end`` in steps."""
        return math.ceil(self.end * clock.total_steps)

    def shares(self, clock: Clock) -> dict[int, float]:
        """Return the share removed by the step from which it holds; steps in order."""
        # Rounded down, so that ``settled`` does not lie before the last removal.
        first, last = int(self.start * clock.total_steps), int(self.end * clock.total_steps)
        every = max(1, span_steps(self.every, clock))
        return {step: self._share(step, first, last) for step in (*range(first, last, every), last)}

    def _share(self, step: int, first: int, last: int) -> float:
        if step == last:
            return self.sparsity
        return self.sparsity * (1 - (1 - (step - first) / (last - first)) ** 3)


class Masks(Remover):
    """Removes what ``choose`` says when it is due, and keeps it removed.

    Args:
        shares: what is to be removed by the step from which it holds; steps in order.
        choose: which parts of which parameters these are.
    """

    axis = "pruning"

    def __init__(self, shares: Mapping[int, float], choose: Choose) -> None:
        self.shares, self.choose = shares, choose
        self.removed: dict[str, Tensor] = {}

    def begin(self, network: nn.Module, step: int) -> None:
        """Mark what is due by now, and zero it."""
        self.removed = {name: mask.to(network.get_parameter(name).device) for name, mask in self.removed.items()}
        due = [share for start, share in self.shares.items() if start <= step]
        if due:
            self.renew(network, due[-1])
        self.remove(network)

    def follow(self, network: nn.Module, step: int) -> None:
        """Renew the masks where it is their step, and apply them."""
        if step in self.shares:
            self.renew(network, self.shares[step])
        self.remove(network)

    def on_before_optimizer_step(self, trainer: L.Trainer, pl_module: L.LightningModule, optimizer: Any) -> None:
        """Let what is removed take no part in the way up of sharpness-aware minimisation, which moves weights."""
        if getattr(optimizer, "ascending", False):
            network = pl_module.get_submodule("network")
            for name, mask in self.removed.items():
                gradient = network.get_parameter(name).grad
                if gradient is not None:
                    gradient.masked_fill_(mask, 0.0)

    @torch.no_grad()
    def renew(self, network: nn.Module, share: float) -> None:
        """Mark what ``share`` asks for."""
        self.removed.update(self.choose(network, share, self.removed))

    @torch.no_grad()
    def remove(self, network: nn.Module) -> None:
        """Zero what is removed."""
        for name, mask in self.removed.items():
            weight = network.get_parameter(name)
            weight.masked_fill_(mask.to(weight.device), 0.0)

    def state_dict(self) -> dict[str, Any]:
        """Return the masks."""
        return dict(self.removed)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on with the masks of a checkpoint."""
        self.removed = dict(state_dict)


def prunable_weights(network: nn.Module, kinds: tuple[type, ...] = _PRUNED) -> dict[str, Tensor]:
    """Return the weights of linear and convolution layers by name, each once even where layers share it."""
    owned = {id(layer.weight) for layer in network.modules() if isinstance(layer, kinds)}
    return {name: weight.detach() for name, weight in network.named_parameters() if id(weight) in owned}


def smallest_within(scope: Scope, weights: Mapping[str, Tensor], share: float, removed: Removed) -> dict[str, Tensor]:
    """Return masks of the ``smallest`` of all ``weights`` together, or of each layer's by themselves."""
    if scope == "global":
        return smallest(weights, share, removed)
    masks: dict[str, Tensor] = {}
    for name, weight in weights.items():
        masks |= smallest({name: weight}, share, removed)
    return masks


@torch.no_grad()
def smallest(weights: Mapping[str, Tensor], share: float, removed: Removed) -> dict[str, Tensor]:
    """Return masks of the round(``share`` n) smallest of n ``weights``; what ``removed`` marks comes first.

    Of equal magnitudes the earlier goes first, so that every process finds the same without a word.
    """
    if not weights:
        return {}
    sizes = torch.cat(
        [
            weight.abs().masked_fill_(removed[name], -1.0).flatten() if name in removed else weight.abs().flatten()
            for name, weight in weights.items()
        ]
    )
    mask = torch.zeros_like(sizes, dtype=torch.bool)
    count = max(round(share * len(sizes)), int((sizes < 0).sum()))
    if count > 0:
        # Finding the threshold takes a third of a full sort's time; kthvalue has no deterministic CUDA kernel.
        threshold = sizes.topk(count, largest=False, sorted=False).values.max()
        mask = sizes < threshold
        ties = (sizes == threshold).nonzero().flatten()
        mask[ties[: count - int(mask.sum())]] = True
    parts = torch.split(mask, [weight.numel() for weight in weights.values()])
    return {name: part.view(weight.shape).clone() for (name, weight), part in zip(weights.items(), parts, strict=True)}
