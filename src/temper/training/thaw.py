"""Blocks that are frozen for a while (gradual unfreezing: Howard and Ruder, 2018, arXiv:1801.06146, section 3.3).

A waiting block's gradient is computed, and dropped before it is measured, clipped or followed. An optimizer passes over
a weight without a gradient, with its decay and its momentum too, and begins its state with the first gradient there is.
So groups, what processes exchange, and compiled code are the same from the first step to the last; which blocks wait is
a function of the step, and a resumed run needs no memory of it.
"""

from collections.abc import Sequence
from typing import Any

import lightning as L

from temper.network.layered import Block
from temper.network.statistics import let_statistics_go


class Thaw(L.Callback):
    """Lets each of ``blocks``, whose norms are held, learn from its step on."""

    def __init__(self, blocks: Sequence[tuple[Block, int]]) -> None:
        self.waiting = list(blocks)

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Begin where the run stands."""
        self._let_go(trainer.global_step)

    def on_train_batch_start(
        self, trainer: L.Trainer, pl_module: L.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Let go what is due."""
        self._let_go(trainer.global_step)

    def on_after_backward(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Drop the gradients of what waits."""
        for block, _ in self.waiting:
            for part in block:
                part.zero_grad(set_to_none=True)

    def on_fit_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Leave the network as its last step found it, also where that was taken before a kill."""
        self._let_go(trainer.global_step - 1)

    def _let_go(self, step: int) -> None:
        for block, begins in self.waiting:
            if begins <= step:
                for part in block:
                    let_statistics_go(part)
        self.waiting = [(block, begins) for block, begins in self.waiting if begins > step]
