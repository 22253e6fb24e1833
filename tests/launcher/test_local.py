import json
from pathlib import Path

import pytest
from tests.launcher.conftest import Commands, run_all

from temper.launcher import local
from temper.launcher.local import Local


@pytest.fixture(autouse=True)
def _machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "cores", lambda: 4)
    monkeypatch.setattr(local, "gpus", lambda: 0)
    for name in (local.THREADS, local.VISIBLE):
        monkeypatch.delenv(name, raising=False)


def test_so_many_at_a_time_and_each_with_its_status(command: Commands, tmp_path: Path) -> None:
    with Local(jobs=2, gpus="auto").opened(tmp_path) as run:
        statuses = run_all(run, [command(number, status=number % 2, seconds=0.3) for number in range(4)], tmp_path, 4)
    assert statuses == [0, 1, 0, 1]
    seen = [json.loads((tmp_path / f"{number}.log").read_text()) for number in range(4)]
    assert [each["OMP_NUM_THREADS"] for each in seen] == ["2"] * 4
    assert [each["CUDA_VISIBLE_DEVICES"] for each in seen] == [None] * 4
    moments = [each["begun"] for each in seen]
    assert max(sum(each["begun"] <= moment < each["ended"] for each in seen) for moment in moments) <= 2


def test_one_alone_is_shown_and_has_the_machine(
    command: Commands, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with Local(jobs=1, gpus="auto").opened(tmp_path) as run:
        assert run(command(0), None) == 0
    assert json.loads(capfd.readouterr().out)["OMP_NUM_THREADS"] is None


def test_one_that_is_alone_is_shown() -> None:
    assert [Local(jobs=jobs, gpus="auto").shows for jobs in (1, 2)] == [True, False]


@pytest.mark.parametrize(
    ("named", "seen"), [("-1", []), ("", []), ("2,-1,3", ["2"]), ("GPU-1a-10,MIG-2", ["GPU-1a-10", "MIG-2"])]
)
def test_what_cuda_hides_is_no_gpu(monkeypatch: pytest.MonkeyPatch, named: str, seen: list[str]) -> None:
    monkeypatch.setenv(local.VISIBLE, named)
    assert local._visible() == seen


@pytest.mark.parametrize(
    ("jobs", "gpus", "here", "expected"),
    [
        (2, "auto", 4, ["0,1", "2,3"]),
        (2, "auto", 5, ["0,1", "2,3"]),
        (3, "auto", 2, ["0", "1", "0"]),
        (1, "auto", 2, [None]),
        (2, 1, 4, ["0", "1"]),
        (2, 0, 4, ["", ""]),
        (2, "auto", 0, [None, None]),
    ],
)
def test_gpus_are_shared_out(
    jobs: int, gpus: int, here: int, expected: list[str | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local, "gpus", lambda: here)
    assert [each.get(local.VISIBLE) for each in Local(jobs=jobs, gpus=gpus).shares()] == expected


def test_of_the_gpus_that_are_left_to_us(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "gpus", lambda: 2)
    monkeypatch.setenv(local.VISIBLE, "5,7")
    monkeypatch.setenv(local.THREADS, "3")
    assert Local(jobs=2, gpus=1).shares() == [{local.VISIBLE: "5"}, {local.VISIBLE: "7"}]


def test_refuses(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(local, "gpus", lambda: 2)
    said = r"launcher\.gpus=2: 2 trials at a time \(launcher\.jobs\) need 4 GPUs, and this machine has 2"
    with pytest.raises(ValueError, match=said), Local(jobs=2, gpus=2).opened(tmp_path):
        pass
    for knobs in ({"jobs": 0, "gpus": "auto"}, {"jobs": 1, "gpus": -1}):
        with pytest.raises(ValueError, match=r"jobs|gpus"):
            Local(**knobs)
