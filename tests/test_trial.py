"""Processes that stand for trials, started as they are on the nodes of a cluster."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.launcher.conftest import Commands, command

from temper.launcher.ray import Ray
from temper.trial import SlurmTrial, start_on_ray

__all__ = ["command"]  # a fixture


def test_who_waits_for_a_trial_does_not_hold_torch() -> None:
    code = "import sys; import temper.trial; raise SystemExit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_trial_has_the_sweeps_variables_under_its_nodes_own(
    command: Commands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "7")
    monkeypatch.setenv("SLURM_PROCID", "1")  # of the job that brought up the cluster
    monkeypatch.setenv("RAY_RAYLET_PID", "sent along")
    for gpus, seen in ((0.0, ""), (1.0, "3")):
        sent, own = Ray(jobs=1, cpus=2, gpus=gpus, address=None)._values()
        with monkeypatch.context() as node:
            node.setenv("CUDA_VISIBLE_DEVICES", "3")
            node.delenv("RAY_RAYLET_PID")
            log = tmp_path / f"{gpus}.log"
            assert start_on_ray(command(0, status=5)[1:], log, tmp_path, sent, own) == 5
        found = json.loads(log.read_text())
        assert (found["CUDA_VISIBLE_DEVICES"], found["OMP_NUM_THREADS"]) == (seen, "2")
        assert (found["SLURM_PROCID"], found["RAY_RAYLET_PID"]) == (None, "sent along")


def test_a_trial_that_ends_as_slurm_takes_the_node_back_has_no_result(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from temper.trial import SlurmTrial;"
        "asleep = [sys.executable, '-c', 'import time; print(1, flush=True); time.sleep(60)'];"
        f"raise SystemExit(SlurmTrial(asleep, Path({str(tmp_path / 'log')!r}), 1)())"
    )
    job = subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
    try:
        while not (tmp_path / "log").exists() or not (tmp_path / "log").read_text():
            assert job.poll() is None
        os.killpg(job.pid, signal.SIGTERM)  # as SLURM does: to every process of a step
        with pytest.raises(subprocess.TimeoutExpired):
            job.wait(timeout=2.0)
    finally:
        job.kill()
        job.wait()


def test_what_is_queued_again_is_the_same(tmp_path: Path) -> None:
    trial = SlurmTrial(["python", "train.py"], tmp_path / "0.log", 3)
    again = trial.checkpoint().function
    assert (again.command, again.log, again.cpus) == (trial.command, trial.log, 3)
