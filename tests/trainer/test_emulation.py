"""Runs in bf16 on a processor without instructions for it."""

import csv
from collections.abc import Callable
from pathlib import Path

import pytest

from temper import bf16
from temper.command.job import Job
from temper.run import run
from temper.trainer.emulation import NOTE, emulated, precision_arguments

CPU = {"accelerator": "cpu"}


def test_only_bf16_on_a_cpu_without_kernels_needs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bf16, "native", lambda: False)
    wanted = [emulated(precision, CPU) for precision in ("bf16-mixed", "bf16-true", "32-true", "64-true")]
    assert wanted == [True, True, False, False]
    assert not emulated("bf16-mixed", {"accelerator": "gpu"})
    monkeypatch.setattr(bf16, "native", lambda: True)
    assert not emulated("bf16-mixed", CPU)
    assert precision_arguments("bf16-mixed", CPU) == {"precision": "bf16-mixed"}


def last_loss(folder: Path) -> float:
    with (folder / "metrics.csv").open() as file:
        return [float(row["train/loss"]) for row in csv.DictReader(file) if row["train/loss"]][-1]


@pytest.mark.parametrize(
    "words",
    [
        ("task=mlp", "precision=bf16-true"),
        ("task=mlp", "precision=bf16-mixed", "optimizer=muon", "averaging=ema"),
        (
            "task=cifar_resnet",
            "task.depth=8",
            "task.width=0.5",
            "precision=bf16-mixed",
            "activation_checkpointing=blocks",
            "epochs=1",
        ),
    ],
)
def test_a_run_says_so_and_learns_as_it_would_with_kernels(
    words: tuple[str, ...],
    job_of: Callable[..., Job],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    small_cifar10: None,
) -> None:
    found = []
    for native in (True, False):
        monkeypatch.setattr(bf16, "native", lambda native=native: native)
        folder = tmp_path / str(native)
        report = run(job_of("trainer=cpu", "epochs=2", "flush_every=1", *words, folder=folder))
        assert (NOTE in report.notes) is not native
        found.append(last_loss(folder))
    assert found[0] == pytest.approx(found[1], rel=0.03)
