"""Checkpoints: the last one by the clock, the one before it in case that is damaged, and the best by validation.

Each is written beside its place and moved there whole, so that a kill leaves a good one at any moment.
"""

import math
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Literal

import lightning as L
import torch
from lightning.pytorch.callbacks import Checkpoint

from temper.training.leaving import Leaving
from temper.training.supervised import Supervised

CHECKS_PER_INTERVAL = 8  # how often ranks agree on the time within ``seconds``


class Checkpoints(Checkpoint):
    """Keeps last.ckpt, previous.ckpt and best.ckpt in ``folder``.

    Args:
        folder: of the checkpoints.
        seconds: at most so much work is repeated after a kill.
        accumulate: micro-batches to a step; between two of them nothing is saved.
        metric, better: of validation, by which the best is chosen.
        settled: the first step from which a checkpoint may be called the best.
        foreign: whether the checkpoint that training starts from is another run's: there is a best to be found yet.
        resting: stops the clock that training is timed by.
        leaving: ends the run if it was told to, after what it has learned was saved.
    """

    def __init__(
        self,
        folder: Path,
        *,
        seconds: float,
        accumulate: int,
        metric: str,
        better: Literal["max", "min"],
        settled: int,
        foreign: bool,
        resting: Callable[[], AbstractContextManager[None]],
        leaving: Leaving,
    ) -> None:
        self.folder, self.seconds, self.accumulate, self.foreign = folder, seconds, accumulate, foreign
        self.resting, self.leaving = resting, leaving
        self.metric, self.better, self.settled = metric, better, settled
        self.best: float | None = None
        self._saved = time.monotonic()
        self._improved = False
        self._asked_step, self._asked_time, self._ask_again = 0, time.monotonic(), 1

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Start the clock."""
        self._saved = self._asked_time = time.monotonic()
        self._asked_step = trainer.global_step

    def on_train_batch_end(
        self, trainer: L.Trainer, pl_module: L.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Save if it is time; after an epoch's last batch, or the run's, validation comes first."""
        last = trainer.is_last_batch or trainer.should_stop
        if (batch_idx + 1) % self.accumulate == 0 and not last and self._due(trainer):
            self._keep_last(trainer)
            self.leaving.leave()

    def on_validation_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Note whether this is the best so far; it is saved when the epoch has ended, whole."""
        assert isinstance(pl_module, Supervised)
        if trainer.global_step < self.settled:
            return
        value = pl_module.verdicts["val"].scores[self.metric.removeprefix("val/")]
        if math.isnan(value):
            return
        if self.best is None or (value > self.best if self.better == "max" else value < self.best):
            self.best, self._improved = value, True

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Save the best, and the last if it is time."""
        if self._improved:
            self._improved = False
            self._save(trainer, "best")
        if self._due(trainer):
            self._keep_last(trainer)
            self.leaving.leave()

    def on_train_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Save where training ended."""
        self._keep_last(trainer)

    def state_dict(self) -> dict[str, Any]:
        """Return the best score."""
        return {"best": self.best}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from the best score of a checkpoint of this run."""
        # Where somebody has deleted it, there is a best to be found again.
        if not self.foreign:
            self.best = state["best"] if (self.folder / "best.ckpt").exists() else None

    def _due(self, trainer: L.Trainer) -> bool:
        passed = time.monotonic() - self._saved
        if trainer.world_size == 1:
            return passed >= self.seconds or self.leaving.told is not None
        # The ranks' clocks differ, and to agree costs a message: rank 0 says how many steps on the next is due.
        step, now = trainer.global_step, time.monotonic()
        if step < self._asked_step + self._ask_again:
            return False
        pace = (now - self._asked_time) / max(1, step - self._asked_step)  # seconds a step
        message = torch.tensor(
            [float(passed >= self.seconds), max(1.0, self.seconds / CHECKS_PER_INTERVAL / max(pace, 1e-6))],
            device=trainer.strategy.root_device,
        )
        torch.distributed.broadcast(message, src=0)
        self._asked_step, self._asked_time, self._ask_again = step, now, int(message[1])
        return bool(message[0])

    def _keep_last(self, trainer: L.Trainer) -> None:
        self._save(trainer, "last")
        self._saved = time.monotonic()

    def _save(self, trainer: L.Trainer, name: str) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        path, partial = self.folder / f"{name}.ckpt", self.folder / f"{name}.partial"
        with self.resting():
            trainer.save_checkpoint(partial, weights_only=False)
        if not trainer.is_global_zero:
            return
        if name == "last" and path.exists():
            path.replace(self.folder / "previous.ckpt")
        partial.replace(path)


def last_good(folder: Path) -> Path | None:
    """Return the newest checkpoint of ``folder`` that opens, or None; best.ckpt is not one to go on from."""
    for name in ("last", "previous"):
        path = folder / f"{name}.ckpt"
        if path.exists():
            try:
                torch.load(path, map_location="cpu", weights_only=True)
            except Exception:  # whatever a damaged file makes torch raise
                continue
            return path
    return None
