"""A run that is told to end keeps its last step, and goes on from it as if it had never been told."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning as L
import pytest
import torch

from temper.command.job import Job
from temper.debug.none import NoDebug
from temper.report.record import Report
from temper.run import run


class ToldToEnd(L.Callback):
    """As a system does that wants the machine back, or who sits before it."""

    def __init__(self, told: signal.Signals, hook: str, times: int = 1) -> None:
        self.told, self.times = told, times
        setattr(self, hook, self._tell)

    def _tell(self, trainer: L.Trainer, *_: Any) -> None:
        while trainer.global_step >= 20 and self.times:
            self.times -= 1
            os.kill(os.getpid(), self.told)


@pytest.mark.parametrize("hook", ["on_train_batch_start", "on_validation_batch_start"])
@pytest.mark.parametrize(("told", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_run_that_is_told_to_end_saves_its_last_step_and_has_not_finished(
    told: signal.Signals,
    status: int,
    hook: str,
    job_of: Callable[..., Job],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = ("epochs=3", "trainer=cpu", "batch_size=65", "accumulate=5", "flush_every=3")
    job = job_of(*words)
    with monkeypatch.context() as patched:
        patched.setattr(NoDebug, "callbacks", lambda self, folder: [ToldToEnd(told, hook)])
        with pytest.raises(SystemExit) as ended:
            run(job)
    assert ended.value.code == status
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    report = Report.load(job.folder)
    last = {"on_train_batch_start": 21, "on_validation_batch_start": 34}[hook]
    assert (report.state, report.attempts[0].last_step) == ("stopped", last)
    said = capsys.readouterr().err
    assert (f"interrupted after step {last}: the same command with hydra.run.dir={job.folder} goes on" in said) == (
        told == signal.SIGINT
    )
    report = run(job)
    assert f"goes on from step {last} of 51" in capsys.readouterr().out
    assert (report.state, report.attempts[1].from_step) == ("finished", last)
    run(job_of(*words, folder=tmp_path / "whole"))
    one, other = (
        torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
        for folder in (job.folder, tmp_path / "whole")
    )
    assert all(torch.equal(one[key], other[key]) for key in one)
    assert (job.folder / "metrics.csv").read_text().count("\n") == (tmp_path / "whole/metrics.csv").read_text().count(
        "\n"
    )


def test_a_second_interruption_ends_at_once(
    job_of: Callable[..., Job], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    job = job_of("epochs=3", "trainer=cpu")
    with monkeypatch.context() as patched:
        told = ToldToEnd(signal.SIGINT, "on_train_batch_start", times=2)
        patched.setattr(NoDebug, "callbacks", lambda self, folder: [told])
        with pytest.raises(SystemExit) as ended:
            run(job)
    assert ended.value.code == 130
    assert "Ctrl-C again: at once" in capsys.readouterr().err
    assert not (job.folder / "checkpoints" / "last.ckpt").exists()
    assert run(job).state == "finished"
