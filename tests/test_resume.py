"""A run that was cut off anywhere and started again ends with the weights of one that never was, to the bit."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning as L
import pytest
import torch

from temper.command.command_line import options
from temper.command.job import Job
from temper.report.record import Report
from temper.run import run

ROOT = Path(__file__).resolve().parents[1]
SMALL = (
    "epochs=3",
    "batch_size=128",  # 9 steps an epoch, the last batch smaller
    "trainer=cpu",
    "trainer.threads=1",
    "optimizer=adam",
    "scheduler=one_cycle",
    "augmentation=[mixup]",
    "pruning=magnitude",
    "flush_every=4",
    "checkpoint_seconds=1e-9",  # after each step
)
STEPS_AN_EPOCH = 9


class Cut(Exception):
    """Stands for a kill."""


class CutAt(L.Callback):
    """Cuts the run off after ``step`` steps, in the hook named ``place``."""

    def __init__(self, step: int, place: str) -> None:
        self.step = step
        setattr(self, place, self._cut)

    def _cut(self, trainer: L.Trainer, *_: Any) -> None:
        if trainer.global_step == self.step:
            raise Cut


def weights(folder: Path, name: str = "last") -> dict[str, torch.Tensor]:
    loaded: dict[str, torch.Tensor] = torch.load(folder / "checkpoints" / f"{name}.ckpt", weights_only=True)[
        "state_dict"
    ]
    return loaded


def assert_same(first: Path, second: Path) -> None:
    for name in ("last", "best"):
        one, other = weights(first, name), weights(second, name)
        assert one.keys() == other.keys()
        assert all(torch.equal(one[key], other[key]) for key in one), name


def cut_and_resume(job: Job, step: int, place: str, monkeypatch: pytest.MonkeyPatch) -> Report:
    with monkeypatch.context() as patched:
        patched.setattr(type(job.experiment.debug), "callbacks", lambda self, folder: [CutAt(step, place)])
        with pytest.raises(Cut):
            run(job)
    assert Report.load(job.folder).state == "failed"
    report = run(job)
    assert report.state == "finished"
    return report


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {"folder": tmp_path_factory.mktemp("unbroken")}


@pytest.mark.parametrize(
    ("step", "place"),
    [
        (1, "on_train_batch_start"),
        (4, "on_train_batch_end"),
        (9, "on_train_batch_end"),  # the last batch of an epoch, before validation
        (9, "on_validation_start"),
        (9, "on_validation_end"),
        (9, "on_train_epoch_end"),
        (10, "on_train_batch_start"),
        (26, "on_train_batch_end"),
        (27, "on_validation_end"),
        (27, "on_train_end"),
    ],
)
def test_cut_anywhere(
    step: int,
    place: str,
    unbroken: dict[str, Path],
    job_of: Callable[..., Job],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = unbroken["folder"]
    if not (whole / "report.json").exists():
        run(job_of(*SMALL, folder=whole))
    job = job_of(*SMALL)
    cut_and_resume(job, step, place, monkeypatch)
    assert_same(whole, job.folder)
    first, second = (Report.load(folder).metrics for folder in (whole, job.folder))
    assert first == second
    steps = [line.split(",")[0] for line in (job.folder / "metrics.csv").read_text().splitlines()]
    assert steps == [line.split(",")[0] for line in (whole / "metrics.csv").read_text().splitlines()]


BRIEF = ("epochs=3", "batch_size=300", "trainer=cpu", "trainer.threads=1", "flush_every=3", "checkpoint_seconds=1e-9")
STATEFUL = (  # 4 steps an epoch; what holds a state of its own
    *(f"optimizer={name}" for name in options("optimizer")),
    *(f"averaging={name}" for name in options("averaging") if name != "none"),
    "averaging=ema averaging.start=1epochs optimizer=adam",
    "averaging=swa averaging.start=2epochs",
    "batch_growth=multiply batch_growth.every=1",
    "batch_growth=linear batch_growth.last=900 accumulate=2",
    "sampling=poisson",
    "sampling=poisson privacy=dp_sgd optimizer=adam accumulate=2",
)


@pytest.mark.parametrize("words", STATEFUL)
def test_every_state_is_resumed(
    words: str, job_of: Callable[..., Job], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = job_of(*BRIEF, *words.split(), folder=tmp_path / "whole")
    report = run(whole)
    job = job_of(*BRIEF, *words.split())
    resumed = cut_and_resume(job, 5, "on_train_batch_end", monkeypatch)
    assert_same(whole.folder, job.folder)
    assert resumed.metrics == report.metrics
    assert resumed.privacy == report.privacy
