"""A run that is killed with -9 and started again: as if it had never been killed, with little work repeated."""

import os
import re
import signal
import subprocess
import sys
import time
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

ROOT = Path(__file__).resolve().parents[1]
CHECKPOINT_SECONDS = 0.5
WORDS = [
    "optimizer=adam",
    "epochs=60",
    "trainer.threads=1",
    "flush_every=10",
    f"checkpoint_seconds={CHECKPOINT_SECONDS}",
]


def test_killed_run_goes_on(tmp_path: Path, job_of: Callable[..., Job], capsys: pytest.CaptureFixture[str]) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(ROOT / "train.py"), *WORDS, f"hydra.run.dir={killed}"]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, env=environment)
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        rows = (killed / "metrics.csv").read_text().splitlines() if (killed / "metrics.csv").exists() else []
        if (killed / "checkpoints" / "last.ckpt").exists() and len(rows) > 30:
            break
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert Report.load(killed).state == "running"
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, env=environment)
    run(job_of(*WORDS, folder=whole))
    for name in ("last", "best"):
        one, other = (
            torch.load(folder / "checkpoints" / f"{name}.ckpt", weights_only=True)["state_dict"]
            for folder in (whole, killed)
        )
        assert all(torch.equal(one[key], other[key]) for key in one)
    first, second = Report.load(killed).attempts
    assert 0 < second.from_step <= first.last_step  # each step is counted, and what was repeated twice
    seconds_a_step = first.seconds / first.last_step
    flushed = 10 * seconds_a_step  # what the attempt's record may lag behind
    assert (first.last_step - second.from_step) * seconds_a_step <= CHECKPOINT_SECONDS + flushed + 0.25
    assert second.last_step == Report.load(whole).attempts[-1].last_step
    capsys.readouterr()
    run(job_of(*WORDS, folder=killed))
    assert "nothing to train" in capsys.readouterr().out
    assert len(Report.load(killed).attempts) == 2
    with pytest.raises(SystemExit) as refused:
        run(job_of(*WORDS, "optimizer.lr=0.5", folder=killed))
    assert refused.value.code == 2
    assert re.search(r"other settings: optimizer\.lr=\S+ here, \S+ there", capsys.readouterr().err)


class ToldToEnd(L.Callback):
    def on_train_batch_start(self, trainer: L.Trainer, *_: Any) -> None:
        if trainer.global_step == 3:
            os.kill(os.getpid(), signal.SIGTERM)  # as a system does that wants the machine back


def test_a_run_that_is_told_to_end_has_not_finished(
    job_of: Callable[..., Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    job = job_of("epochs=1", "trainer=cpu")
    with monkeypatch.context() as patched:
        patched.setattr(NoDebug, "callbacks", lambda self, folder: [ToldToEnd()])
        with pytest.raises(SystemExit) as ended:
            run(job)
    assert ended.value.code == 143
    assert Report.load(job.folder).state == "stopped"
    assert run(job).state == "finished"
