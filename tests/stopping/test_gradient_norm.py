"""Gradient norm: the step at which plain gradient descent would stop, at the pace of the rows, and bad values."""

import csv
from collections.abc import Callable

import numpy as np
import pytest
from pydantic import ValidationError

from temper.command.job import Job
from temper.run import run
from temper.stopping.gradient_norm import GradientNorm
from temper.training.build import build_batches

DESCENT = (
    *("task=linear_regression", "batch_size=full", "precision=64-true", "initialization=zeros", "epochs=400"),
    *("optimizer=sgd", "optimizer.lr=0.2", "groups=all", "trainer=cpu", "trainer.threads=1"),
    *("stopping=[gradient_norm]", "stopping.gradient_norm.bound=0.02"),
)


def norms_of_plain_descent(job: Job, steps: int) -> list[float]:
    """Return the gradient's norm in each step of descent on the mean squared error from 0, in NumPy."""
    train = build_batches(job.experiment).splits.train
    rows = np.column_stack([np.ones(len(train)), train.inputs.double().numpy()])
    target, weights, norms = train.targets.double().numpy(), np.zeros(rows.shape[1]), []
    for _ in range(steps):
        gradient = 2 * rows.T @ (rows @ weights - target) / len(target)
        norms.append(float(np.linalg.norm(gradient)))
        weights = weights - 0.2 * gradient
    return norms


@pytest.mark.parametrize("words", [("data.validation=0", "flush_every=7"), ("flush_every=7",), ("clip.kind=norm",)])
def test_stops_where_plain_descent_would(words: tuple[str, ...], job_of: Callable[..., Job]) -> None:
    job = job_of(*DESCENT, *words, *(("clip.value=1000",) if "clip.kind=norm" in words else ()))
    norms = norms_of_plain_descent(job, 400)
    below = next(step for step, norm in enumerate(norms, start=1) if norm < 0.02)
    pace = 7 if "data.validation=0" in words else 1  # a validation flushes too, and an epoch is one step
    expected = -(-below // pace) * pace
    report = run(job)
    assert 20 < expected < 400
    assert report.attempts[-1].last_step == expected
    said = f"the gradient's norm fell to {norms[expected - 1]:.3g}, below stopping.gradient_norm.bound=0.02"
    assert report.stopped == said
    rows = list(csv.DictReader((job.folder / "metrics.csv").read_text().splitlines()))
    assert float(rows[-1]["gradient_norm"]) == pytest.approx(norms[expected - 1], rel=1e-9)


def test_watches_what_comes_before_clipping(job_of: Callable[..., Job]) -> None:
    report = run(job_of(*DESCENT, "clip.kind=norm", "clip.value=0.001", "epochs=30"))
    assert report.stopped is None
    assert report.attempts[-1].last_step == 30


def test_a_gradient_that_is_no_number_does_not_stop() -> None:
    watcher = GradientNorm(bound=1.0).callback("val/rmse", "min", None, 0)
    assert watcher.verdict() is None
    for value, stops in ((float("nan"), False), (1.0, False), (0.9999, True)):
        watcher.see(value)
        assert (watcher.verdict() is not None) == stops


@pytest.mark.parametrize("bound", [0.0, -1.0, float("inf"), "small", True])
def test_refuses(bound: object) -> None:
    with pytest.raises(ValidationError, match="bound"):
        GradientNorm(bound=bound)
