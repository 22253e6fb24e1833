"""Every optimizer that there is: it learns with its default knobs, and a run that was cut off goes on to the bit."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from temper.command.command_line import options
from temper.command.job import Job
from temper.report.record import Report
from temper.run import run

OPTIMIZERS = options("optimizer")
MACHINE = ("trainer=cpu", "trainer.threads=1", "flush_every=100")
LONG, BOUND = "epochs=10", 0.2  # of the training loss after 170 steps; it starts at 2.3
BOUNDS = {  # each about twice what was measured
    "sgd": 0.3,
    "radam": 0.7,  # five steps by momentum alone, then short ones: it waits until it trusts its mean square
    "lion": 0.9,  # 170 steps of 0.0003 are no way at all
}


def test_finds_what_there_is() -> None:
    assert len(OPTIMIZERS) > 12
    assert set(BOUNDS) <= set(OPTIMIZERS)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_learns_with_its_default_knobs(name: str, train: Callable[..., Report]) -> None:
    report = train(*MACHINE, LONG, f"optimizer={name}")
    assert report.attempts[-1].last_step == 170
    assert report.metrics["train/loss"] < BOUNDS.get(name, BOUND)


def kept(folder: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)
    return loaded


def same(one: Any, other: Any) -> bool:
    if isinstance(one, torch.Tensor):
        return isinstance(other, torch.Tensor) and one.dtype == other.dtype and torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


# The default precision is for tests/test_resume.py; here, what a checkpoint rounds to the weights' type would show.
BRIEF = (*MACHINE, "epochs=1", "batch_size=200", "precision=bf16-true", "checkpoint_seconds=1e-9")  # 6 steps


NOT_IN_HALF = [name for name in OPTIMIZERS if name == "sam" or name.startswith("schedule_free")]  # they refuse it


@pytest.mark.parametrize(
    "words",
    [
        *(f"optimizer={name}" for name in OPTIMIZERS if name not in NOT_IN_HALF),
        *(f"optimizer={name} precision=64-true" for name in NOT_IN_HALF),
        "optimizer=muon optimizer@optimizer.rest=nadam",
        *(f"optimizer={name} precision=64-true" for name in ("nadam", "lamb", "lion")),
        "optimizer=lion averaging=ema",
        "optimizer=lamb averaging=ema averaging.start=2steps scheduler=cosine",
    ],
)
def test_goes_on_to_the_bit(
    words: str, job_of: Callable[..., Job], tmp_path: Path, cut_off: Callable[..., None]
) -> None:
    whole = job_of(*BRIEF, *words.split(), folder=tmp_path / "whole")
    report = run(whole)
    job = job_of(*BRIEF, *words.split())
    cut_off(job, 3)
    half = kept(job.folder)
    resumed = run(job)
    assert (half["global_step"], report.attempts[-1].last_step, resumed.attempts[-1].from_step) == (2, 6, 2)
    one, other = kept(whole.folder), kept(job.folder)
    assert same(one["state_dict"], other["state_dict"])
    assert one["optimizer_states"][0]["state"].keys() == half["optimizer_states"][0]["state"].keys()
    assert same(one["optimizer_states"], other["optimizer_states"])
    assert not same(half["state_dict"], other["state_dict"])
    assert resumed.metrics == report.metrics


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_starts_from_another_runs_checkpoint(name: str, train: Callable[..., Report], tmp_path: Path) -> None:
    words = (*MACHINE, "batch_size=200", f"optimizer={name}")
    train(*words, "epochs=1", folder=tmp_path / "first")
    report = train(*words, "epochs=2", f"ckpt={tmp_path / 'first' / 'checkpoints' / 'last.ckpt'}")
    assert (report.attempts[-1].from_step, report.attempts[-1].last_step) == (6, 12)
