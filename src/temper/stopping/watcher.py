"""What the stopping rules share: look at one figure, after each validation or row of metrics.csv, and stop by it."""

from abc import ABC, abstractmethod
from typing import Any

import lightning as L
import torch
from lightning.pytorch.trainer.states import TrainerFn

from temper.training.supervised import Row, Supervised


class Watcher(L.Callback, ABC):
    """A callback that stops training by what was seen.

    Attributes:
        metric: the name of the figure that is watched.
        settled: the first step from which it counts.
        foreign: whether the checkpoint that training starts from is another run's: what that saw is not this one's.
        reason: one line that says why training was stopped; None while it was not.
    """

    def __init__(self, metric: str, settled: int) -> None:
        """Watch ``metric`` from step ``settled`` on."""
        self.metric = metric
        self.settled = settled
        self.foreign = False
        self.reason: str | None = None

    @abstractmethod
    def see(self, value: float) -> None:
        """Take in what was measured."""

    @abstractmethod
    def verdict(self) -> str | None:
        """Return why training should stop, by all that was seen; None to go on."""

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Stop a run at once that was stopped, then killed before it had ended: it must not train on when resumed."""
        self._judge(trainer)

    def _judge(self, trainer: L.Trainer) -> None:
        self.reason = self.verdict()
        if self.reason is not None:
            trainer.should_stop = True

    @abstractmethod
    def state_dict(self) -> dict[str, Any]:
        """Return what was seen, as plain numbers."""

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up what an earlier attempt of this run saw."""
        if not self.foreign:
            self.take_up(state_dict)

    @abstractmethod
    def take_up(self, state_dict: dict[str, Any]) -> None:
        """Go on with what `state_dict` has returned."""


class ValidationWatcher(Watcher):
    """A watcher of one key of ``trainer.callback_metrics``."""

    def on_validation_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Look at the metric, unless this is a trial validation or the network is not yet what the run delivers."""
        fitting = trainer.state.fn is TrainerFn.FITTING and not trainer.sanity_checking
        if fitting and trainer.global_step >= self.settled:
            self.see(float(trainer.callback_metrics[self.metric]))
            self._judge(trainer)


class RowWatcher(Watcher):
    """A watcher of one column of metrics.csv: what the recorder has read from the device costs no further wait.

    All ranks go by what rank 0 measured, so that they stop at the same step.
    """

    def __init__(self, metric: str, settled: int) -> None:
        super().__init__(metric, settled)
        self.value: float | None = None
        self._row: Row = {}

    def see(self, value: float) -> None:
        """Keep the newest."""
        self.value = value

    def on_train_batch_end(
        self, trainer: L.Trainer, pl_module: L.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Look at a row that the recorder has just written."""
        self._look(trainer, pl_module)

    def on_validation_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Look at a row that the recorder has just written."""
        if trainer.state.fn is TrainerFn.FITTING:
            self._look(trainer, pl_module)

    def state_dict(self) -> dict[str, Any]:
        """Return the newest value."""
        return {"value": self.value}

    def take_up(self, state_dict: dict[str, Any]) -> None:
        """Go on with the newest value."""
        self.value = state_dict["value"]

    def _look(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        assert isinstance(pl_module, Supervised)
        row, seen = pl_module.row, self._row
        self._row = row
        if row is seen or self.metric not in row or trainer.global_step < self.settled:
            return
        value = float(row[self.metric])
        if trainer.world_size > 1:
            told = torch.tensor([value], dtype=torch.float64, device=trainer.strategy.root_device)
            torch.distributed.broadcast(told, src=0)
            value = told.item()
        self.see(value)
        self._judge(trainer)
        if self.reason is not None:
            # What the run ends with is validated, also in an epoch whose turn it is not.
            trainer.check_val_every_n_epoch = 1
