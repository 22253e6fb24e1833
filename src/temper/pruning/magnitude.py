"""Gradual pruning: zero ever more of the smallest weights (Zhu and Gupta, 2017, arXiv:1710.01878, equation 1).

sₜ = s (1 - (1 - (t - t₀)/(t₁ - t₀))³)     share of weights removed at step t, from 0 at t₀ to ``sparsity`` s at t₁
removed = the round(sₜ n) smallest |θ|     of the whole network's n weights, or of each layer's
θ ← 0 where removed                        after every step; what was removed stays removed

The weights of linear and convolution layers count, the last linear layer among them; biases and norm layers are never
touched. Gradients and momenta stay dense: a removed weight moves in a step and is set back after it. ``start`` equal
to ``end`` removes all at once. It bites when a network holds far more weights than its task needs: early removals, when
many are left to take over, are large, and late ones small.
"""

from typing import Any, Literal, Self

import lightning as L
import torch
from pydantic import model_validator
from torch import Tensor, nn

from temper.quantity import Clock, Fraction, ProperFraction, Span, parse_span, span_steps
from temper.strategy import Pruning, Remover, strategy

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
class Magnitude(Pruning):
    """Remove the weights that are smallest in magnitude, step by step."""

    sparsity: ProperFraction
    start: Fraction
    end: Fraction
    every: Span
    scope: Literal["global", "layer"]

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.start > self.end:
            raise ValueError(
                f"start must be at most end ({self.end}), not {self.start}; equal ones remove everything at once"
            )
        if parse_span(self.every)[0] == 0:
            raise ValueError("every must be longer than 0: 1steps removes after each step")
        return self

    @property
    def settled(self) -> float:
        """Return ``end``."""
        return self.end

    def callback(self, clock: Clock) -> Remover:
        """Return the callback that removes, and keeps removed."""
        # Rounded down, so that no reading of ``settled`` in steps lies before the last removal.
        first, last = int(self.start * clock.total_steps), int(self.end * clock.total_steps)
        every = max(1, span_steps(self.every, clock))
        steps = [*range(first, last, every), last]
        return _MagnitudeCallback({step: self._share(step, first, last) for step in steps}, self.scope)

    def _share(self, step: int, first: int, last: int) -> float:
        if step == last:
            return self.sparsity
        return self.sparsity * (1 - (1 - (step - first) / (last - first)) ** 3)


class _MagnitudeCallback(Remover):
    def __init__(self, shares: dict[int, float], scope: Literal["global", "layer"]) -> None:
        self.shares = shares  # share removed, by the step from which it holds; steps in order
        self.scope = scope
        self.removed: dict[str, Tensor] = {}
        self._step = 0

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Remove what is due by now: the masks of a checkpoint, and what a start at step 0 asks for."""
        weights = prunable_weights(pl_module.get_submodule("network"))
        self.removed = {name: mask.to(weights[name].device) for name, mask in self.removed.items()}
        self._step = trainer.global_step
        due = [share for step, share in self.shares.items() if step <= self._step]
        if due:
            self._renew(weights, due[-1])
        self.remove(pl_module.get_submodule("network"))

    def on_train_batch_end(
        self, trainer: L.Trainer, pl_module: L.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Renew the masks where it is their step, and apply them; not after a part of an accumulated batch."""
        if trainer.global_step == self._step:
            return
        self._step = trainer.global_step
        weights = prunable_weights(pl_module.get_submodule("network"))
        if self._step in self.shares:
            self._renew(weights, self.shares[self._step])
        self.remove(pl_module.get_submodule("network"))

    @torch.no_grad()
    def remove(self, network: nn.Module) -> None:
        """Zero what is removed."""
        weights = prunable_weights(network)
        for name, mask in self.removed.items():
            weights[name].masked_fill_(mask.to(weights[name].device), 0.0)

    def state_dict(self) -> dict[str, Any]:
        return dict(self.removed)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.removed = dict(state_dict)

    def _renew(self, weights: dict[str, Tensor], share: float) -> None:
        together = [list(weights)] if self.scope == "global" else [[name] for name in weights]
        for names in together:
            self.removed.update(smallest({name: weights[name] for name in names}, share, self.removed))


def prunable_weights(network: nn.Module) -> dict[str, Tensor]:
    """Return the weights of linear and convolution layers by name, each once even where layers share it."""
    owned = {id(layer.weight) for layer in network.modules() if isinstance(layer, _PRUNED)}
    return {name: weight.detach() for name, weight in network.named_parameters() if id(weight) in owned}


@torch.no_grad()
def smallest(weights: dict[str, Tensor], share: float, removed: dict[str, Tensor]) -> dict[str, Tensor]:
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
