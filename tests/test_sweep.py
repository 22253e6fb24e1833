"""``-m``: each trial a process of its own; a failed one does not stop the others; a sweep goes on."""

import os
import subprocess
import sys
from pathlib import Path

from temper.report import Report

ROOT = Path(__file__).resolve().parents[1]


def sweep(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, str(ROOT / "train.py"), "-m", *words, "debug=steps", f"hydra.sweep.dir={folder}"]
    return subprocess.run(
        command, cwd=folder.parent, capture_output=True, text=True, check=False, env=os.environ | {"OMP_NUM_THREADS": "1"}
    )


def test_trials(tmp_path: Path) -> None:
    done = sweep(tmp_path / "sweep", "optimizer=sgd,adam", "optimizer.lr=0.01,-1")
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    finished = {int(path.parent.name): Report.load(path.parent) for path in (tmp_path / "sweep").glob("*/report.json")}
    assert sorted(finished) == [0, 2]
    assert [finished[number].choices["optimizer"] for number in (0, 2)] == ["sgd", "adam"]
    assert all(report.state == "finished" for report in finished.values())
    assert done.stdout.count("failed") == 2
    again = sweep(tmp_path / "sweep", "optimizer=sgd,adam", "optimizer.lr=0.01,-1")
    assert again.stdout.count("nothing to train") == 2
