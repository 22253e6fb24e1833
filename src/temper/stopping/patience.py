"""Patience: stop when validation has not improved for a while (Prechelt, 1998, Early Stopping - But When?, section 2).

improved:  x > b + δ     x is the metric now, b the best so far, δ ``min_delta`` (x < b - δ where less is better)
b ← x                    when it improved, and the count begins anew
stop                     after p = ``validations`` in a row that did not improve

It bites when a run overfits: what training would do after the best checkpoint is wasted. A metric that is not a number
never counts as improved.
"""

import math
from typing import Any, ClassVar, Literal

import lightning as L

from temper.quantity import Count, NonNegative
from temper.stopping.watcher import ValidationWatcher
from temper.strategy import Stopping, strategy


@strategy
class Patience(Stopping):
    """Stop after a number of validations without improvement."""

    validates: ClassVar[bool] = True

    validations: Count
    min_delta: NonNegative

    def callback(self, metric: str, better: Literal["max", "min"], target: float | None, settled: int) -> L.Callback:
        """Return the callback that counts."""
        return _PatienceCallback(metric, better, settled, self.validations, self.min_delta)


class _PatienceCallback(ValidationWatcher):
    def __init__(
        self, metric: str, better: Literal["max", "min"], settled: int, validations: int, min_delta: float
    ) -> None:
        super().__init__(metric, settled)
        self.sign = 1.0 if better == "max" else -1.0
        self.validations = validations
        self.min_delta = min_delta
        self.best: float | None = None
        self.waited = 0

    def see(self, value: float) -> None:
        first = self.best is None and not math.isnan(value)
        if first or (self.best is not None and self.sign * (value - self.best) > self.min_delta):
            self.best = value
            self.waited = 0
        else:
            self.waited += 1

    def verdict(self) -> str | None:
        if self.waited < self.validations:
            return None
        best = "was never a number" if self.best is None else f"stayed at {self.best:.6g}"
        return f"{self.metric} {best} for {self.waited} validations (stopping.patience.validations)"

    def state_dict(self) -> dict[str, Any]:
        return {"best": self.best, "waited": self.waited}

    def take_up(self, state_dict: dict[str, Any]) -> None:
        self.best, self.waited = state_dict["best"], state_dict["waited"]
