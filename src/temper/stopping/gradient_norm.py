"""Gradient norm: stop where the loss is flat (Nocedal and Wright, 2006, Numerical Optimization, theorem 2.2).

stop when ‖g‖₂ < ε     g is the whole gradient of a step, penalties included, before it is clipped; ε is ``bound``

It is looked at in the steps that end a row of metrics.csv (every ``flush_every``), in which it is recorded too. It
bites in full-batch descent, where the gradient goes to zero, and needs no validation. That of a mini-batch keeps its
noise: it falls below a small bound only where every example is fitted.
"""

from typing import ClassVar, Literal

import lightning as L

from temper.quantity import Positive
from temper.stopping.watcher import RowWatcher
from temper.strategy import Stopping, strategy


@strategy
class GradientNorm(Stopping):
    """Stop when the gradient has all but vanished."""

    validates: ClassVar[bool] = False
    gradient: ClassVar[bool] = True

    bound: Positive

    def callback(self, metric: str, better: Literal["max", "min"], target: float | None, settled: int) -> L.Callback:
        """Return the callback that compares."""
        return _GradientNormCallback(self.bound, settled)


class _GradientNormCallback(RowWatcher):
    def __init__(self, bound: float, settled: int) -> None:
        super().__init__("gradient_norm", settled)
        self.bound = bound

    def verdict(self) -> str | None:
        if self.value is None or not self.value < self.bound:
            return None
        return f"the gradient's norm fell to {self.value:.3g}, below stopping.gradient_norm.bound={self.bound:g}"
