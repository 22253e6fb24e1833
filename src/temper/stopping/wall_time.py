"""Wall time: stop after so long, to compare what strategies make of the same time (Coleman et al., 2017, DAWNBench).

stop when s ≥ 60 m     s is the run's training time in seconds (metrics.csv's ``seconds``), m is ``minutes``

Time goes on where an attempt that was killed had left its last checkpoint; validation, start and what was lost in the
kill do not count. It is looked at with each row of metrics.csv, so that a run ends at most ``flush_every`` steps late,
also before the network is as small as it was to be, which the report then says.
It bites where a budget is what is given: on a rented machine, or for a fair comparison of costs.
"""

from typing import ClassVar, Literal

import lightning as L

from temper.quantity import Positive
from temper.stopping.watcher import RowWatcher
from temper.strategy import Stopping, strategy


@strategy
class WallTime(Stopping):
    """Stop after a time of training."""

    validates: ClassVar[bool] = False

    minutes: Positive

    def callback(self, metric: str, better: Literal["max", "min"], target: float | None, settled: int) -> L.Callback:
        """Return the callback that looks at the clock."""
        return _WallTimeCallback(self.minutes, settled)


class _WallTimeCallback(RowWatcher):
    def __init__(self, minutes: float, settled: int) -> None:
        super().__init__("seconds", 0)
        self.minutes, self.removed = minutes, settled

    def verdict(self) -> str | None:
        if self.value is None or self.value < 60 * self.minutes:
            return None
        return f"training has taken stopping.wall_time.minutes={self.minutes:g}"

    def _judge(self, trainer: L.Trainer) -> None:
        super()._judge(trainer)
        if self.reason is not None and trainer.global_step < self.removed:
            self.reason += f", before the network was as small as it was to be, at step {self.removed}"
