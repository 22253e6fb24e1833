"""Target: stop at the first validation that reaches the value asked for, which gives the time to target.

stop when x ≥ target     x is the metric at this validation (x ≤ target where less is better)

It bites when strategies are compared by how soon they are good enough (Coleman et al., 2017, DAWNBench) and not by
where they end.
"""

from typing import Any, ClassVar, Literal

import lightning as L

from temper.stopping.watcher import ValidationWatcher
from temper.strategy import Stopping, strategy


@strategy
class Target(Stopping):
    """Stop when the run's target is reached."""

    validates: ClassVar[bool] = True

    def callback(self, metric: str, better: Literal["max", "min"], target: float | None, settled: int) -> L.Callback:
        """Return the callback that compares.

        Raises:
            ValueError: there is no ``target``.
        """
        if target is None:
            raise ValueError(
                "stopping=[target] needs a value to reach: set target=0.95, or take target out of stopping"
            )
        return _TargetCallback(metric, better, target, settled)


class _TargetCallback(ValidationWatcher):
    def __init__(self, metric: str, better: Literal["max", "min"], target: float, settled: int) -> None:
        super().__init__(metric, settled)
        self.sign = 1.0 if better == "max" else -1.0
        self.target = target
        self.value: float | None = None

    def see(self, value: float) -> None:
        self.value = value

    def verdict(self) -> str | None:
        if self.value is None or not self.sign * (self.value - self.target) >= 0:
            return None
        return f"{self.metric} reached {self.value:.6g}, the target was {self.target:.6g}"

    def state_dict(self) -> dict[str, Any]:
        return {"value": self.value}

    def take_up(self, state_dict: dict[str, Any]) -> None:
        self.value = state_dict["value"]
