"""``-m``: each trial a process of its own; a failed one does not stop the others; a sweep goes on."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from temper.command.sweep import Here, opened
from temper.launcher.local import Local
from temper.report.record import Report

ROOT = Path(__file__).resolve().parents[2]


def sweep(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, str(ROOT / "train.py"), "-m", *words, "debug=steps", f"hydra.sweep.dir={folder}"]
    return subprocess.run(
        command,
        cwd=folder.parent,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )


def test_trials(tmp_path: Path) -> None:
    words = ("optimizer.lr=0.01,-1", "launcher=local", "launcher.jobs=2")
    done = sweep(tmp_path / "sweep", *words)
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    finished = {int(path.parent.name): Report.load(path.parent) for path in (tmp_path / "sweep").glob("*/report.json")}
    assert sorted(finished) == [0]
    assert finished[0].choices["optimizer"] == "momentum"
    assert finished[0].state == "finished"
    assert done.stdout.count("failed") == 2, "once as it ends, once in the table"
    assert "optimizer.lr=-1: must be > 0.0" in (tmp_path / "sweep" / "1.log").read_text()
    assert "launcher" not in (tmp_path / "sweep" / "0" / "config.yaml").read_text()
    again = sweep(tmp_path / "sweep", words[0])  # where trials run may differ
    assert again.stdout.count("nothing to train") == 1


def test_an_interruption_says_how_to_go_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended, opened(Local(jobs=1, gpus="auto"), tmp_path):
        raise KeyboardInterrupt
    assert ended.value.code == 130
    said = f"temper: interrupted: the same command with hydra.sweep.dir={tmp_path} goes on\n"
    assert capsys.readouterr().err == said


def test_a_sweep_without_a_launcher_runs_here_and_does_not_wait_for_torch(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with opened(Here(), tmp_path) as run_trial:
        assert run_trial([sys.executable, "-c", "print('shown'); raise SystemExit(3)"], None) == 3
    assert capfd.readouterr().out == "shown\n"
    code = (
        "import sys; from omegaconf import OmegaConf; from temper.command import sweep;"
        " sweep.launcher(OmegaConf.create({'launcher': None})); raise SystemExit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
