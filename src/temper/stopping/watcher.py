"""What the stopping rules share: look at one metric after each validation, and stop by what was seen."""

from abc import ABC, abstractmethod
from typing import Any

import lightning as L
from lightning.pytorch.trainer.states import TrainerFn


class Watcher(L.Callback, ABC):
    """A callback that stops training by one validation metric.

    Attributes:
        metric: the key of ``trainer.callback_metrics`` that is watched.
        settled: the first step from which the metric counts.
        reason: one line that says why training was stopped; None while it was not.
    """

    def __init__(self, metric: str, settled: int) -> None:
        """Watch ``metric`` from step ``settled`` on."""
        self.metric = metric
        self.settled = settled
        self.reason: str | None = None

    @abstractmethod
    def see(self, value: float) -> None:
        """Take in what this validation measured."""

    @abstractmethod
    def verdict(self) -> str | None:
        """Return why training should stop, by all that was seen; None to go on."""

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Stop a run at once that was stopped, then killed before it had ended: it must not train on when resumed."""
        self._judge(trainer)

    def on_validation_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Look at the metric, unless this is a trial validation or the network is not yet what the run delivers."""
        fitting = trainer.state.fn is TrainerFn.FITTING and not trainer.sanity_checking
        if fitting and trainer.global_step >= self.settled:
            self.see(float(trainer.callback_metrics[self.metric]))
            self._judge(trainer)

    def _judge(self, trainer: L.Trainer) -> None:
        self.reason = self.verdict()
        if self.reason is not None:
            trainer.should_stop = True

    @abstractmethod
    def state_dict(self) -> dict[str, Any]:
        """Return what was seen, as plain numbers."""

    @abstractmethod
    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up what an earlier attempt saw."""
