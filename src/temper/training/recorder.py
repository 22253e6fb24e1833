"""The recorder: what a run measures while it trains, gathered on the device and read out every so many steps.

Between two flushes nothing of ours waits for the device.
"""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import lightning as L
import torch

import temper
from temper.report.measure import EnergyMeter, synchronize
from temper.report.record import Attempt, Report
from temper.training.metrics_file import MetricsFile
from temper.training.progress import Bar
from temper.training.supervised import Row, Supervised
from temper.training.tally import Tally

_WIDE = 3.0  # standard deviation of a column that is in units of its own


class Diverged(RuntimeError):
    """The loss is no longer a finite number."""


class Recorder(L.Callback):
    """Writes metrics.csv, the loggers, the bar, and how far this attempt came into report.json.

    Args:
        folder: of the run.
        report: of the run; its attempts are kept up to date.
        flush_every: optimizer steps between two rows.
        accumulate: micro-batches to a step.
        metric, better, target: the validation score whose time to reach ``target`` is noted.
        settled: the first step from which a score is of what the run delivers.
        foreign: whether the checkpoint that training starts from is another run's, whose times are not this one's.
        bar: shown by rank 0.
    """

    def __init__(
        self,
        folder: Path,
        report: Report,
        *,
        flush_every: int,
        accumulate: int,
        metric: str,
        better: str,
        target: float | None,
        settled: int,
        foreign: bool,
        bar: Bar,
    ) -> None:
        self.folder, self.report, self.bar = folder, report, bar
        self.flush_every, self.accumulate = flush_every, accumulate
        self.metric, self.better, self.target, self.settled = metric, better, target, settled
        self.foreign = foreign
        self.meter: EnergyMeter | None = None
        self.file = MetricsFile(folder / "metrics.csv")
        self.seconds = 0.0  # of training, since the start of the run, attempts before a kill left out
        self.examples = 0.0
        self.seconds_to_target: float | None = None
        self._tally = Tally()
        self._flushed_step = 0
        self._window = (0.0, 0.0)  # seconds and examples at the last flush
        self._since: float | None = None  # when the stopwatch was started; None while it stands
        self._device = torch.device("cpu")

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Begin an attempt."""
        step = trainer.global_step
        if self.foreign:
            self._flushed_step = step
        if trainer.is_global_zero:
            self.file.rewind(step)
            self.report.attempts.append(Attempt(from_step=step, last_step=step))
            self.report.save(self.folder)
            self.bar.start(step)
        self._begun = (self.seconds, self.examples)
        self._window = (self.seconds, self.examples)
        if not trainer.is_global_zero:  # the checkpoint holds the sums of rank 0
            self._tally.empty()
        self._device = pl_module.device
        self.meter = EnergyMeter(self._device)
        self.meter.start()
        self._since = time.monotonic()

    def on_train_batch_end(
        self, trainer: L.Trainer, pl_module: L.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Add the batch to the sums; flush when it is time."""
        assert isinstance(pl_module, Supervised)
        rows = batch.rows
        self.examples += sum(rows.parts) / self.accumulate
        if rows.share:
            self._tally.add(pl_module.measured, rows.size)
        step = trainer.global_step
        if self.due(step):
            self._flush(trainer, pl_module, {})
        elif trainer.is_global_zero:
            self.bar.advance(step)

    def due(self, step: int) -> bool:
        """Return whether a row is written after ``step`` steps."""
        return step - self._flushed_step >= self.flush_every

    def on_validation_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Stop the watch: validation is no training."""
        self._pause()

    def on_validation_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Flush with the validation's scores."""
        assert isinstance(pl_module, Supervised)
        if not trainer.training and not trainer.validating:
            return
        scores = {f"val/{name}": value for name, value in pl_module.verdicts["val"].scores.items()}
        settled = trainer.global_step >= self.settled
        if self.target is not None and self.seconds_to_target is None and settled:
            reached = scores[self.metric] >= self.target if self.better == "max" else scores[self.metric] <= self.target
            self.seconds_to_target = self.seconds if reached else None
        self._flush(trainer, pl_module, scores)
        self._since = time.monotonic()

    def on_save_checkpoint(self, trainer: L.Trainer, pl_module: L.LightningModule, checkpoint: dict[str, Any]) -> None:
        """Note how far this attempt came: an attempt that goes on from here counts from here."""
        if trainer.is_global_zero:
            self._note(trainer)

    @contextmanager
    def resting(self) -> Iterator[None]:
        """Stop the watch for what is no training."""
        ran = self._since is not None
        self._pause()
        try:
            yield
        finally:
            if ran:
                synchronize(self._device)
                self._since = time.monotonic()

    def on_train_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Flush what is left."""
        assert isinstance(pl_module, Supervised)
        if trainer.global_step > self._flushed_step:
            self._flush(trainer, pl_module, {})
        self._pause()
        self.bar.stop()

    def on_exception(self, trainer: L.Trainer, pl_module: L.LightningModule, exception: BaseException) -> None:
        """Leave the terminal as it was."""
        self.bar.stop()

    def state_dict(self) -> dict[str, Any]:
        """Return the sums since the last flush, and the totals."""
        tally = self._tally.state_dict()  # which waits for the device
        return {
            "seconds": self._elapsed(),
            "examples": self.examples,
            "seconds_to_target": self.seconds_to_target,
            "tally": tally,
            "flushed_step": self._flushed_step,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on with the sums and totals of a checkpoint of this run."""
        if self.foreign:
            return
        self.seconds, self.examples = state["seconds"], state["examples"]
        self.seconds_to_target, self._flushed_step = state["seconds_to_target"], state["flushed_step"]
        self._tally.load_state_dict(state["tally"])

    def _elapsed(self) -> float:
        return self.seconds + (time.monotonic() - self._since if self._since is not None else 0.0)

    def _pause(self) -> None:
        if self._since is not None:
            synchronize(self._device)  # what it has been given to do is training
        self.seconds, self._since = self._elapsed(), None

    def _flush(self, trainer: L.Trainer, module: Supervised, scores: dict[str, float]) -> None:
        step, clock = trainer.global_step, module.facts.clock
        row: Row = {"step": step, "epoch": clock.epoch(max(0, step - 1))}
        if step > self._flushed_step:
            means = self._means(trainer, module)
            seconds = self._elapsed()
            passed, seen = seconds - self._window[0], self.examples - self._window[1]
            row |= {"seconds": round(seconds, 3)}
            if passed > 0 and seen > 0:
                row["examples_per_second"] = round(seen / passed, 1)
            row |= {f"train/{name}": value for name, value in means.items()}
            row["learning_rate"] = module.ingredients.optimizer.lr * (module.rate_factor or 0.0)
            row |= {name: value.item() for name, value in module.noted.items()}
            if module.privatizer is not None and trainer.is_global_zero:
                self.report.privacy = module.privatizer.spent()
                row["privacy/epsilon"] = self.report.privacy["epsilon"]
            if len(module.ingredients.distillers):
                row |= {f"weight/{name}": float(weight) for name, weight in module.weigher.weights().items()}
            self._window = (seconds, self.examples)
        self._tally.empty()
        self._flushed_step = step
        row |= scores
        module.row = row
        if trainer.is_global_zero:
            self._write(trainer, step, row)
        if not math.isfinite(row.get("train/loss", 0.0)):
            key = f"optimizer.{module.ingredients.optimizer.rate_key}"
            raise Diverged(
                f"the training loss is {row['train/loss']} at step {step}: {_scaling(trainer)}lower {key}, add"
                " scheduler.warmup, or clip the gradient with clip.kind=norm"
            )

    def _means(self, trainer: L.Trainer, module: Supervised) -> dict[str, float]:
        sums = self._tally.read()
        names = [*module.measured.terms, *(["accuracy"] if module.measured.answers is not None else [])]
        # All ranks have taken the same steps, though one may have had no example of its own in them.
        values = [*(sums.get(name, 0.0) for name in names), float(self._tally.count)]
        if trainer.world_size > 1:
            together = torch.tensor(values, dtype=torch.float64, device=module.device)
            torch.distributed.all_reduce(together)
            values = together.tolist()
        if not values[-1]:  # sampling has left every batch since the last row empty
            return {}
        means = {name: value / values[-1] for name, value in zip(names, values[:-1], strict=True)}
        if "squared_error" in means:
            means["rmse"] = module.facts.target_deviation * math.sqrt(means.pop("squared_error"))  # in its own units
        return means

    def _write(self, trainer: L.Trainer, step: int, row: Row) -> None:
        self.file.append(row)
        values = {name: value for name, value in row.items() if name not in ("step",)}
        for logger in trainer.loggers:
            logger.log_metrics(values, step=step)
        self._note(trainer)
        self.bar.tell(step, int(row["epoch"]), row)

    def _note(self, trainer: L.Trainer) -> None:
        """Write into the report what this attempt has taken so far."""
        begun_seconds, begun_examples = self._begun
        attempt = self.report.attempts[-1]
        attempt.last_step, attempt.seconds = trainer.global_step, round(self._elapsed() - begun_seconds, 3)
        attempt.examples = round(self.examples - begun_examples)
        attempt.wall_seconds = round(time.monotonic() - temper.started, 3)
        if self.meter is not None and trainer.world_size == 1:  # other processes' energy is not metered here
            attempt.joules = self.meter.joules()
        self.report.save(self.folder)


def _scaling(trainer: L.Trainer) -> str:
    """Return the way out for columns in units of their own, which make a gradient as large as their squares."""
    batches: Any = trainer.datamodule  # type: ignore[attr-defined]
    inputs, steps = batches.splits.train.inputs, list(batches.pipeline.steps)
    if inputs.ndim != 2 or "standardize" in steps or not inputs.std(0).max() > _WIDE:
        return ""
    return f"set preprocessing=[{','.join([*steps, 'standardize'])}], "
