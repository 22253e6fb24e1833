"""Wall time by a clock of the test's own: where it stops, over a kill, in the middle of an epoch; bad values."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import lightning as L
import pytest
import torch
from pydantic import ValidationError

from temper.command.job import Job
from temper.report.record import Report
from temper.run import run
from temper.stopping.wall_time import WallTime

WORDS = (  # 9 steps an epoch
    *("epochs=9", "batch_size=128", "trainer=cpu", "trainer.threads=1", "flush_every=4", "checkpoint_seconds=1e-9"),
    *("stopping=[wall_time]", "validate_every=3"),
)


class Second(L.Callback):
    """Makes each training step last a second, and each validation a thousand; cuts the run off after ``cut`` steps."""

    def __init__(self, cut: int | None = None) -> None:
        self.now, self.cut = 0.0, cut

    def on_train_batch_start(self, trainer: L.Trainer, *_: Any) -> None:
        self.now += 1.0
        if trainer.global_step == self.cut:
            raise InterruptedError

    def on_validation_epoch_start(self, *_: Any) -> None:
        self.now += 1000.0


@pytest.fixture
def timed(job_of: Callable[..., Job], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Report]:
    def start(seconds: int, cut: int | None = None) -> Report:
        job, second = job_of(*WORDS, f"stopping.wall_time.minutes={seconds / 60}"), Second(cut)
        monkeypatch.setattr("temper.training.recorder.time", SimpleNamespace(monotonic=lambda: second.now))
        monkeypatch.setattr(type(job.experiment.debug), "callbacks", lambda self, folder: [second])
        if cut is None:
            return run(job)
        with pytest.raises(InterruptedError):
            run(job)
        return Report.load(job.folder)

    return start


@pytest.mark.parametrize(
    ("seconds", "last"),
    [
        (4, 4),
        (5, 8),  # at the next row
        (12, 12),
        (28, 31),  # rows at 24, 27 (validation), 31: the validation took no training time
    ],
)
def test_stops_with_the_first_row_beyond_the_time(
    seconds: int, last: int, timed: Callable[..., Report], tmp_path: Path
) -> None:
    report = timed(seconds)
    assert report.attempts[-1].last_step == last
    assert report.stopped == f"training has taken stopping.wall_time.minutes={seconds / 60:g}"
    # What the run ends with is validated, in whichever epoch that is.
    best = torch.load(tmp_path / "run" / "checkpoints" / "best.ckpt", weights_only=True)
    assert best["global_step"] == last or last > 27
    assert report.state == "finished"


def test_time_goes_on_after_a_kill(timed: Callable[..., Report]) -> None:
    assert timed(12, cut=6).state == "failed"
    report = timed(12)
    assert [attempt.from_step for attempt in report.attempts] == [0, 6]
    assert report.attempts[-1].last_step == 12
    assert report.stopped is not None


@pytest.mark.parametrize("minutes", [0.0, -1.0, float("inf"), "1h", True])
def test_refuses(minutes: object) -> None:
    with pytest.raises(ValidationError, match="minutes"):
        WallTime(minutes=minutes)
