"""Which epochs are validated, read off metrics.csv; the same ones where a run was cut off and went on."""

from collections.abc import Callable
from pathlib import Path

import pytest

from temper.command.job import Job
from temper.run import run
from temper.training.metrics_file import read_rows

WORDS = ("batch_size=400", "trainer=cpu", "checkpoint_seconds=1e-9")  # 3 steps an epoch


def validated(folder: Path) -> list[int]:
    return [int(row["epoch"]) for row in read_rows(folder / "metrics.csv") if row["val/accuracy"]]


@pytest.mark.parametrize(
    ("every", "epochs", "expected"), [(1, 3, [0, 1, 2]), (2, 5, [1, 3, 4]), (3, 6, [2, 5]), (9, 2, [1])]
)
def test_every_so_many_and_the_last(every: int, epochs: int, expected: list[int], job_of: Callable[..., Job]) -> None:
    job = job_of(*WORDS, f"validate_every={every}", f"epochs={epochs}")
    run(job)
    assert validated(job.folder) == expected


@pytest.mark.parametrize("step", [5, 12, 13])
def test_the_same_ones_after_a_break(step: int, job_of: Callable[..., Job], cut_off: Callable[..., None]) -> None:
    job = job_of(*WORDS, "validate_every=2", "epochs=5")
    cut_off(job, step, "on_train_batch_start")
    run(job)
    assert validated(job.folder) == [1, 3, 4]
