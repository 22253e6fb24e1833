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
    again = first.last_step - second.from_step
    told = [note for note in Report.load(killed).notes if note.startswith("taken again")]
    assert [f"at least {again:,} step" in note for note in told] == [True] * (again > 0)
    assert not any(note.startswith("taken again") for note in Report.load(whole).notes)
    capsys.readouterr()
    run(job_of(*WORDS, folder=killed))
    assert "nothing to train" in capsys.readouterr().out
    assert len(Report.load(killed).attempts) == 2
    with pytest.raises(SystemExit) as refused:
        run(job_of(*WORDS, "optimizer.lr=0.5", folder=killed))
    assert refused.value.code == 2
    assert re.search(r"other settings: optimizer\.lr=\S+ here, \S+ there", capsys.readouterr().err)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "holds no settings of a run"),
        ("a: [1", "cannot be read (while parsing a flow sequence)"),
        ("\xff", "cannot be read"),
    ],
)
def test_a_folder_whose_settings_are_damaged_is_refused(
    text: str, said: str, job_of: Callable[..., Job], capsys: pytest.CaptureFixture[str]
) -> None:
    job = job_of("debug=steps")
    job.folder.mkdir()
    (job.folder / "config.yaml").write_text(text, encoding="latin-1")
    with pytest.raises(SystemExit) as refused:
        run(job)
    assert refused.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert f"{job.folder / 'config.yaml'} {said}" in line
    assert line.endswith("name another folder with hydra.run.dir=FOLDER")


def test_a_lost_partner_is_told_in_a_line(
    job_of: Callable[..., Job], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Lost(L.Callback):
        said = "[gloo/transport/tcp/pair.cc:545] Read error [127.0.0.1]:1: Connection reset by peer."

        def on_train_batch_start(self, *_: Any) -> None:
            raise RuntimeError(self.said)

    job = job_of("epochs=1", "trainer=cpu")
    monkeypatch.setattr(NoDebug, "callbacks", lambda self, folder: [Lost()])
    with pytest.raises(SystemExit) as ended:
        run(job)
    assert ended.value.code == 1
    assert capsys.readouterr().err == (
        "temper: another process of this run has ended (killed? out of memory?): the same command with"
        f" hydra.run.dir={job.folder} goes on\n"
    )
    assert Report.load(job.folder).state == "failed"
    monkeypatch.setattr(Lost, "said", "shapes do not match")
    with pytest.raises(RuntimeError, match="shapes do not match"):
        run(job)


@pytest.mark.parametrize(
    ("rank", "sent", "status", "said"),
    [
        (1, signal.SIGKILL, 1, r"temper: another process of this run has ended .*goes on\n"),
        (0, signal.SIGTERM, 143, ""),
    ],
)
def test_two_processes_end_together(rank: int, sent: signal.Signals, status: int, said: str, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    words = ["trainer=ddp", "trainer.accelerator=cpu", "trainer.devices=2", "epochs=3000", "flush_every=10"]
    command = [sys.executable, str(ROOT / "train.py"), *words, f"hydra.run.dir={folder}"]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    with (tmp_path / "err").open("w") as err:
        first = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=err, env=environment)
    try:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline and not (folder / "metrics.csv").exists():
            time.sleep(0.1)
        started = Path(f"/proc/{first.pid}/task/{first.pid}/children").read_text().split()
        (second,) = (int(pid) for pid in started if b"LOCAL_RANK=1" in Path(f"/proc/{pid}/environ").read_bytes())
        os.kill(second if rank else first.pid, sent)
        assert first.wait(60) == status
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and Path(f"/proc/{second}").exists():  # what it prints comes after
            time.sleep(0.1)
        assert not Path(f"/proc/{second}").exists()
    finally:
        first.kill()
    assert re.fullmatch(said, (tmp_path / "err").read_text())
