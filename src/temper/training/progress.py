"""The progress bar: it shows what the recorder flushed, and looks at no tensor itself."""

import time
from collections.abc import Mapping

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Column

REDRAWN_SECONDS = 0.5  # a redraw takes 1 to 2 ms: below 1 % of the time at this pace
SHOWN = ("train/loss", "val/accuracy", "val/rmse")
PRINTED_SECONDS = 20.0  # between two lines where there is no terminal


class Bar:
    """How far a run is, on a terminal as a bar, elsewhere as a line now and then."""

    def __init__(self, console: Console, total_steps: int) -> None:
        self.console, self.total_steps = console, total_steps
        self._progress: Progress | None = None
        self._task = TaskID(0)
        self._last = time.monotonic()
        self._text = ""
        self._unprinted = ""  # the last line, where there is no terminal
        self._shown: dict[str, str] = {}  # the last value of each quantity

    def start(self, step: int) -> None:
        """Show the bar at ``step``."""
        self._last = time.monotonic()
        if step:
            self.console.print(f"goes on from step {step:,} of {self.total_steps:,}", highlight=False)
        if self.console.is_terminal:
            self._progress = Progress(
                BarColumn(bar_width=12),
                TextColumn("{task.completed}/{task.total}", table_column=Column(no_wrap=True)),
                TimeRemainingColumn(table_column=Column(no_wrap=True, min_width=7)),
                TextColumn("left", table_column=Column(no_wrap=True)),
                TextColumn("{task.description}", table_column=Column(no_wrap=True, overflow="ellipsis", ratio=1)),
                expand=True,
                console=self.console,
                auto_refresh=False,
                transient=True,
            )
            self._task = self._progress.add_task("training", total=self.total_steps, completed=step)
            self._progress.start()

    def advance(self, step: int) -> None:
        """Note that ``step`` steps are done; redraws seldom."""
        now = time.monotonic()
        if self._progress is not None and now - self._last > REDRAWN_SECONDS:
            self._last = now
            self._progress.update(self._task, completed=step, refresh=True)

    def tell(self, step: int, epoch: int, values: Mapping[str, float | int]) -> None:
        """Show the flushed ``values``."""
        self._shown |= {name: _number(values[name]) for name in SHOWN if name in values}
        self._text = f"epoch {epoch}  " + "  ".join(
            f"{name.removeprefix('train/')} {value}" for name, value in self._shown.items()
        )
        if self._progress is not None:
            self._progress.update(self._task, completed=step, description=self._text)
            return
        self._unprinted = f"step {step}/{self.total_steps}  {self._text}"
        if time.monotonic() - self._last > PRINTED_SECONDS:
            self._print()

    def stop(self) -> None:
        """Take the bar away and leave its last text."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None
            self.console.print(self._text, highlight=False, markup=False)
        elif self._unprinted:
            self._print()

    def _print(self) -> None:
        self._last = time.monotonic()
        self.console.print(self._unprinted, highlight=False, markup=False)
        self._unprinted = ""


def _number(value: float) -> str:
    return f"{value:.4f}" if abs(value) < 1e6 else f"{value:.3g}"  # of a run that goes astray, not 40 digits
