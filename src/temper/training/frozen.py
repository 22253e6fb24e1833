"""Blocks that stay as they are, for good or for a while (gradual unfreezing: Howard and Ruder, 2018, arXiv:1801.06146).

The norms of a frozen block go by what they remember. A block that is frozen for good wants no gradient: it is in no
group of the optimizer and in no exchange between processes, and where nothing before it learns, the backward pass ends
above it. Of a block that is frozen for a while the gradient is computed, and dropped before it is measured, clipped or
followed. An optimizer passes over a weight without a gradient, with its decay and its momentum too, and begins its
state with the first gradient there is. So groups, what processes exchange, and compiled code are the same from the
first step to the last; which blocks wait is a function of the step, and a resumed run needs no memory of it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import lightning as L
from torch import nn

from temper.facts import ParameterGroup
from temper.network.layered import Block
from temper.network.statistics import hold_statistics, let_statistics_go
from temper.strategy import Groups


class Frozen(L.Callback):
    """Keeps each of ``blocks`` as it is until its step.

    Args:
        blocks: with the step from which each learns.
        total_steps: of the run; what is to learn only then is frozen for good, at once.
    """

    def __init__(self, blocks: Sequence[tuple[Block, int]], total_steps: int) -> None:
        self.waiting = list(blocks)
        for block, begins in blocks:
            for part in block if begins >= total_steps else ():
                part.requires_grad_(False)

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Begin where the run stands."""
        self._set(trainer.global_step)

    def on_train_batch_start(
        self, trainer: L.Trainer, pl_module: L.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Let go what is due."""
        if any(begins <= trainer.global_step for _, begins in self.waiting):
            self._set(trainer.global_step)

    def on_after_backward(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Drop the gradients of what waits."""
        for block, _ in self.waiting:
            for part in block:
                part.zero_grad(set_to_none=True)

    def on_fit_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Leave the norms as the last step found them, also where that was taken before a kill."""
        self._set(trainer.global_step - 1)

    def _set(self, step: int) -> None:
        for block, begins in self.waiting:
            for part in block:
                if begins <= step:
                    let_statistics_go(part)
                else:
                    hold_statistics(part)
        self.waiting = [(block, begins) for block, begins in self.waiting if begins > step]


class Together(Groups):
    """Groups within which all begin to learn together: torch's fused SGD wants all velocities of a group, or none."""

    def __init__(self, groups: Groups, blocks: Sequence[tuple[Block, int]]) -> None:
        self.groups, self.blocks = groups, blocks

    def build(self, module: nn.Module) -> list[ParameterGroup]:
        """Return the groups, each cut by the step at which its parameters begin to learn."""
        # Looked up anew: a trainer may have put parts in the place of whole weights.
        begins = {id(weight): step for block, step in self.blocks for part in block for weight in part.parameters()}
        return [part for group in self.groups.build(module) for part in _cut(group, begins)]


def _cut(group: ParameterGroup, begins: Mapping[int, int]) -> list[ParameterGroup]:
    parts: dict[int, dict[str, nn.Parameter]] = {}
    for name, weight in zip(group.names, group.parameters, strict=True):
        parts.setdefault(begins.get(id(weight), 0), {})[name] = weight
    return [replace(group, names=tuple(each), parameters=tuple(each.values())) for each in parts.values()]
