"""Structured pruning: whole channels and neurons go, so that the network really gets smaller.

score = Σ|wᵢ| or (Σwᵢ²)^½    l1, l2: of the weights that make the unit (Li et al., 2017, arXiv:1608.08710, section 3.1)
score = |γ|                  scale: of its batch norm (network slimming, Liu et al., 2017, arXiv:1708.06519, section 3)
score = u in [0, 1)          random: of the seed, uniform; any other score is worth its distance to this one
score ← score/(mean score²)^½    of the layer's units, where l1 or l2 is compared over layers of other sizes
removed = the round(sₜ n) units of least score, of each layer's n or of all; sₜ rises as in pruning=magnitude
w, b, γ, β and the weights that read the unit ← 0    after every step; what was removed stays removed

A unit is a neuron of a hidden layer, or a channel inside a residual block; channels that shortcuts add to each other
stay, or go together (task=convnet). Of each layer one unit stays. Dividing by a layer's own size follows Molchanov et
al. (2017, arXiv:1611.06440), who divide by the root of the sum. While training lasts, units are masked; what is
measured, delivered and loaded later is the network without them: the same answers by fewer parameters and multiply-adds
and, as its kernels are as dense as before, in less time. It bites where a network is wider than its task needs; single
weights (pruning=magnitude) can go in larger shares, and save no time.
"""

from collections.abc import Sequence
from functools import partial
from typing import Literal, Self

import torch
from pydantic import model_validator
from torch import Tensor, nn

from temper.network.compacted import compacted
from temper.network.layered import Layered
from temper.network.units import Units
from temper.pruning.masks import Gradual, Masks, Removed, Scope
from temper.quantity import Clock
from temper.strategy import Remover, strategy


@strategy
class Channels(Gradual):
    """Remove the channels and neurons of least score, step by step."""

    scope: Scope
    by: Literal["l1", "l2", "scale", "random"]

    @model_validator(mode="after")
    def _scales_differ(self) -> Self:
        if self.by == "scale" and self.end == 0:
            raise ValueError(
                f"end={self.end} removes before the first step, where by=scale finds all scales alike: raise end, or"
                " choose by=l1"
            )
        return self

    def check(self, clock: Clock) -> None:
        """Want scales that a step has moved."""
        if self.by == "scale" and self.begins(clock) == 0:
            raise ValueError(
                f"pruning.end={self.end} of {clock.total_steps} steps is before the first, where pruning.by=scale finds"
                " all scales alike: raise pruning.end, or choose pruning.by=l1"
            )

    def callback(self, clock: Clock, seed: int) -> Remover:
        """Return the callback that removes, and keeps removed."""
        return Masks(self.shares(clock), partial(self._choose, seed))

    def note(self, network: nn.Module) -> str | None:
        """Return None; a ValueError says that each layer has but one unit."""
        assert isinstance(network, Layered)
        if all(len(units) == 1 for units in network.units()):
            raise ValueError(
                "pruning=channels leaves one unit in each layer, and there is but one: widen the network, such as by"
                " task.hidden=[64], or choose pruning=none"
            )
        return None

    def delivered(self, network: Layered) -> Layered:
        """Return the network without what was removed."""
        return compacted(network)

    @torch.no_grad()
    def _choose(self, seed: int, network: nn.Module, share: float, removed: Removed) -> dict[str, Tensor]:
        assert isinstance(network, Layered)
        names: dict[Tensor, str] = {weight: name for name, weight in network.named_parameters()}
        kinds = network.units()
        gone = [_gone(units, removed.get(names[units.makers[0].weight])) for units in kinds]
        draws = torch.Generator().manual_seed((seed * 1_000_003 - 2) % 2**63)  # the orders of epochs have other seeds
        scores = [self._scores(units, draws) for units in kinds]
        if self.scope == "layer":
            chosen = [least([one], [before], share)[0] for one, before in zip(scores, gone, strict=True)]
        else:
            if self.by in ("l1", "l2"):
                scores = [_levelled(one, before) for one, before in zip(scores, gone, strict=True)]
            chosen = least(scores, gone, share)
        masks: dict[str, Tensor] = {}
        for units, now in zip(kinds, chosen, strict=True):
            for weight, mask in units.marked(now):
                name = names[weight]
                masks[name] = masks[name] | mask if name in masks else mask
        return masks

    def _scores(self, units: Units, draws: torch.Generator) -> Tensor:
        """Return one number for each unit, alike on every process: in float64, on the CPU."""
        if self.by == "random":
            return torch.rand(len(units), generator=draws, dtype=torch.float64)
        if self.by == "scale":
            return torch.stack([norm.weight.cpu().double().abs() for norm in units.norms]).sum(0)
        rows = torch.cat([layer.weight.cpu().double().flatten(1) for layer in units.makers], dim=1)
        return rows.abs().sum(1) if self.by == "l1" else rows.square().sum(1).sqrt()


def _levelled(scores: Tensor, gone: Tensor) -> Tensor:
    """Return ``scores`` over the root of the mean square of those that are left; of none but zeros, as they are."""
    size = scores[~gone].square().mean().sqrt()
    return scores / size if size > 0 else scores


def _gone(units: Units, mask: Tensor | None) -> Tensor:
    """Return which units (units,) are removed already, by the mask of the first layer that makes them."""
    # As one unit stays of those that the layer reads, only of a unit that is gone the whole row is masked.
    return torch.zeros(len(units), dtype=torch.bool) if mask is None else mask.flatten(1).all(1).cpu()


def least(scores: Sequence[Tensor], gone: Sequence[Tensor], share: float) -> list[Tensor]:
    """Return masks of the round(``share`` n) units of least score, of n in all.

    What is ``gone`` comes first, the best of each kind stays, and of equal scores the earlier goes.

    Args:
        scores: of each kind's units (units,).
        gone: of each kind's units (units,), whether they are removed already.
        share: of all units that is to be removed.
    """
    ranked = [one.masked_fill(before, -torch.inf) for one, before in zip(scores, gone, strict=True)]
    for one in ranked:
        one[one.argmax()] = torch.inf
    together = torch.cat(ranked)
    count = max(round(share * len(together)), int(torch.cat(list(gone)).sum()))
    mask = torch.zeros_like(together, dtype=torch.bool)
    mask[together.argsort(stable=True)[: min(count, len(together) - len(ranked))]] = True
    return list(torch.split(mask, [len(one) for one in ranked]))
