"""Where a step's time goes, by torch.profiler: as a table, and as a trace for chrome://tracing or ui.perfetto.dev.

Each moment of the steps belongs to one phase, by the hook that opened it:

    data        from the end of a step to the next batch: loading, transfer, what varies it, and other callbacks
    forward     the network and the loss
    backward    the gradient
    optimizer   clipping and the step; for optimizers that evaluate the loss again (SAM), that as well
    other       what is left: logging, schedules, validation

The profiler itself slows every operation down, small ones most: read shares, not seconds. Writes into the run's folder
``profile/trace.json`` and ``profile/table.txt``.
"""

import io
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Literal

import lightning as L
import torch
from rich.console import Console, JustifyMethod
from rich.table import Table
from torch.profiler import ProfilerActivity, profile, record_function

from temper.quantity import Count, NonNegativeCount
from temper.report.measure import synchronize
from temper.report.units import in_seconds
from temper.strategy import Debug, strategy

Phase = Literal["data", "forward", "backward", "optimizer", "other"]
_PHASES: tuple[Phase, ...] = ("data", "forward", "backward", "optimizer", "other")
_OPERATORS = 12  # rows of the second table


@strategy
class Profile(Debug):
    """``steps`` steps under the profiler, after ``wait`` without it."""

    wait: NonNegativeCount
    steps: Count

    @property
    def shortened_to(self) -> int | None:
        """Return the steps after which the run ends."""
        return self.wait + self.steps

    def callbacks(self, folder: Path) -> list[L.Callback]:
        """Return the callback that profiles and writes into ``folder``."""
        return [_Profiling(folder / "profile", self.wait, self.steps)]


class _Profiling(L.Callback):
    """Starts and stops the profiler, and books the time between hooks to phases."""

    def __init__(self, folder: Path, wait: int, steps: int) -> None:
        self.seconds = dict.fromkeys(_PHASES, 0.0)
        self._folder, self._wait, self._steps = folder, wait, steps
        self._profiler: profile | None = None
        self._range = ExitStack()
        self._phase: Phase = "other"
        self._since = 0.0
        self._first_step = 0
        self._device = torch.device("cpu")
        self._hooks: list[torch.utils.hooks.RemovableHandle] = []

    def _enter(self, phase: Phase) -> None:
        """Book the time so far to the phase that was open, and open ``phase``."""
        if self._profiler is None:
            return
        synchronize(self._device)
        now = time.perf_counter()
        self.seconds[self._phase] += now - self._since
        self._range.close()
        self._range.enter_context(record_function(f"phase: {phase}"))
        self._phase, self._since = phase, time.perf_counter()

    def _start(self, trainer: L.Trainer) -> None:
        self._device = trainer.strategy.root_device
        self._first_step = trainer.global_step
        activities = [ProfilerActivity.CPU]
        if self._device.type == "cuda":
            activities.append(ProfilerActivity.CUDA)
        for optimizer in trainer.optimizers:
            self._hooks.append(optimizer.register_step_post_hook(lambda *_: self._enter("other")))
        self._profiler = profile(activities=activities)
        self._profiler.start()
        self._since = time.perf_counter()
        self._enter("data")
        self.seconds = dict.fromkeys(_PHASES, 0.0)

    def _stop(self, trainer: L.Trainer) -> None:
        if self._profiler is None:
            return
        self._enter("other")
        self._range.close()
        profiler, self._profiler = self._profiler, None
        profiler.stop()
        for hook in self._hooks:
            hook.remove()
        self._folder.mkdir(parents=True, exist_ok=True)
        profiler.export_chrome_trace(str(self._folder / "trace.json"))
        tables = [self._phase_table(trainer.global_step - self._first_step), self._operator_table(profiler)]
        plain = Console(file=io.StringIO(), width=100, record=True)
        for console in (plain, Console()):
            for table in tables:
                console.print(table)
        (self._folder / "table.txt").write_text(plain.export_text(), encoding="utf-8")

    def _phase_table(self, steps: int) -> Table:
        total = sum(self.seconds.values())
        table = Table(title=f"where a step's time goes ({steps} steps, profiler on)", title_justify="left")
        columns: dict[str, JustifyMethod] = {"phase": "left", "a step": "right", "share": "right", "": "left"}
        for column, justify in columns.items():
            table.add_column(column, justify=justify)
        for phase in _PHASES:
            share = self.seconds[phase] / total if total else 0.0
            bar = "█" * round(30 * share)
            table.add_row(phase, in_seconds(self.seconds[phase] / max(1, steps)), f"{share:.1%}", bar)
        return table

    def _operator_table(self, profiler: profile) -> Table:
        kernel = "self_device_time_total" if self._device.type == "cuda" else "self_cpu_time_total"
        events = [event for event in profiler.key_averages() if not event.key.startswith("phase: ")]
        if self._device.type == "cuda":  # operators hold the time of the kernels that they start: these are told alone
            kernels = [event for event in events if event.device_type.name == "CUDA"]
            events = [event for event in kernels if not getattr(event, "is_user_annotation", False)]
        total = sum(getattr(event, kernel) for event in events)
        table = Table(title="operators by the time they take themselves", title_justify="left")
        table.add_column("operator", overflow="ellipsis", no_wrap=True, max_width=60)
        for column in ("time", "share", "calls"):
            table.add_column(column, justify="right")
        for event in sorted(events, key=lambda event: getattr(event, kernel), reverse=True)[:_OPERATORS]:
            taken = getattr(event, kernel)
            table.add_row(event.key, in_seconds(taken / 1e6), f"{taken / max(total, 1e-9):.1%}", f"{event.count:,}")
        return table

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Start at once where nothing is to be waited for."""
        if self._wait == 0 and trainer.is_global_zero:
            self._start(trainer)

    def on_train_batch_start(
        self, trainer: L.Trainer, pl_module: L.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Open the forward phase: the batch is there."""
        self._enter("forward")

    def on_before_backward(self, trainer: L.Trainer, pl_module: L.LightningModule, loss: torch.Tensor) -> None:
        """Open the backward phase: the loss is there."""
        self._enter("backward")

    def on_after_backward(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Close the backward phase: the gradient is there."""
        self._enter("other")

    def on_before_optimizer_step(
        self, trainer: L.Trainer, pl_module: L.LightningModule, optimizer: torch.optim.Optimizer
    ) -> None:
        """Open the optimizer phase: clipping and the step follow."""
        self._enter("optimizer")

    def on_validation_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Keep validation out of the phases of a step."""
        self._enter("other")

    def on_validation_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Go on with the next batch."""
        self._enter("data")

    def on_train_batch_end(
        self, trainer: L.Trainer, pl_module: L.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Start when enough steps were waited for, stop when enough were seen."""
        self._enter("data")
        if self._profiler is not None and trainer.global_step >= self._first_step + self._steps:
            self._stop(trainer)
        elif not self._hooks and trainer.is_global_zero and trainer.global_step >= self._wait:
            self._start(trainer)

    def on_train_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Show what was seen of a run that ended sooner."""
        self._stop(trainer)

    def on_exception(self, trainer: L.Trainer, pl_module: L.LightningModule, exception: BaseException) -> None:
        """Show what was seen of a run that failed."""
        self._stop(trainer)
