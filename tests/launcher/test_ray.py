import json
import signal
import sys
from pathlib import Path

import pytest
from tests.launcher.conftest import Commands, run_all

from temper.launcher.ray import Ray

KNOBS = {"jobs": 8, "cpus": 1, "gpus": 0.0, "address": None}


def test_trials_run_on_a_cluster_of_this_machine(
    command: Commands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    before = signal.getsignal(signal.SIGTERM)
    with Ray(**KNOBS).opened(tmp_path) as run:
        statuses = run_all(run, [command(number, status=3 * (number % 2)) for number in range(3)], tmp_path, 8)
        with pytest.raises(ValueError, match=r"launcher\.cpus=4096 .*no node of the cluster has so many"):
            Ray(**KNOBS | {"cpus": 4096})._check(sys.modules["ray"])
        with pytest.raises(ValueError, match=r"launcher\.gpus=64: no node"):
            Ray(**KNOBS | {"gpus": 64.0})._check(sys.modules["ray"])
    assert statuses == [0, 3, 0]
    assert signal.getsignal(signal.SIGTERM) == before, "a run of this process after it ends as any other"
    seen = [json.loads((tmp_path / f"{number}.log").read_text()) for number in range(3)]
    assert {each["OMP_NUM_THREADS"] for each in seen} == {"1"}
    assert {each["place"] for each in seen} == {str(tmp_path)}
    assert {each["CUDA_VISIBLE_DEVICES"] for each in seen} == {""}, "with gpus=0 none is seen"
    assert None not in {each["RAY_RAYLET_PID"] for each in seen}


def test_refuses_a_cluster_that_is_not_there(tmp_path: Path) -> None:
    with (
        pytest.raises(ValueError, match=r"launcher\.address=127\.0\.0\.1:1: "),
        Ray(**KNOBS | {"address": "127.0.0.1:1"}).opened(tmp_path),
    ):
        pass


def test_an_address_by_its_variable_is_looked_at_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    with pytest.raises(ValueError, match=r"launcher\.address=127\.0\.0\.1:1: "), Ray(**KNOBS).opened(tmp_path):
        pass


def test_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for knob, value in (("jobs", 0), ("cpus", 0), ("gpus", -0.5), ("gpus", 1.5)):
        with pytest.raises(ValueError, match=knob):
            Ray(**KNOBS | {knob: value})
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ValueError, match=r"pip install 'temper\[ray\]'"), Ray(**KNOBS).opened(tmp_path):
        pass
