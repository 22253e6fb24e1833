"""Poisson sampling against what a binomial distribution says, and the batches that it leaves empty."""

import csv
import math
from collections.abc import Callable

import pytest
import torch
from torch import Generator, Tensor

from temper.command.job import Job
from temper.data.epoch_loader import Cut, EpochLoader
from temper.facts import Examples
from temper.quantity import Clock
from temper.run import run
from temper.sampling.poisson import Poisson

TARGETS = torch.zeros(200)


def drawn(epochs: int, steps: int = 10) -> list[Tensor]:
    generator = Generator().manual_seed(0)
    return [batch for _ in range(epochs) for batch in Poisson().batches(TARGETS, 20, steps, generator)]


def test_sizes_are_binomial() -> None:
    # n = 200 coins of q = 1/10: mean 20, variance 18. Over 2000 batches the mean's error is 0.095, the variance's 0.57.
    sizes = torch.tensor([len(batch) for batch in drawn(200)], dtype=torch.float64)
    assert sizes.mean() == pytest.approx(20, abs=0.4)
    assert sizes.var() == pytest.approx(18, abs=2.3)


def test_each_example_is_as_likely_and_no_batch_holds_one_twice() -> None:
    batches = drawn(200)
    counts = torch.bincount(torch.cat(batches), minlength=200)
    assert (counts - 200).abs().max() < 5 * math.sqrt(180)  # 2000 coins of 1/10
    assert all(len(batch) == len(batch.unique()) for batch in batches)


def test_coins_are_the_examples_own() -> None:
    # A neighbour is in the batch too in a tenth of the cases: 199 pairs, 2000 batches, q² = 1/100.
    together = sum(int(torch.isin(batch + 1, batch).sum()) for batch in drawn(200))
    assert together == pytest.approx(199 * 2000 / 100, rel=0.1)


def test_order_within_a_batch_tells_nothing() -> None:
    falling = [float((batch[1:] < batch[:-1]).double().mean()) for batch in drawn(50)]
    assert sum(falling) / len(falling) == pytest.approx(0.5, abs=0.05)  # 500 batches of some 19 neighbours: 0.005


def test_an_epoch_has_as_many_examples_as_the_data_on_average() -> None:
    assert Poisson().size(TARGETS) == 200
    assert [Poisson().chance(steps) for steps in (1, 10)] == [1, 0.1]


def test_one_batch_an_epoch_is_the_whole_set() -> None:
    (batch,) = drawn(1, steps=1)
    assert batch.sort().values.equal(torch.arange(200))


@pytest.mark.parametrize("classes", [0, 2])
def test_takes_any_data(classes: int) -> None:
    Poisson().check(classes)


def loader(cut: Cut) -> EpochLoader:
    """Return a loader of three examples in 300 steps an epoch: most batches are empty."""
    examples = Examples(torch.arange(3.0)[:, None], torch.arange(3.0))
    return EpochLoader(examples, batch_size=lambda _: 1, clock=Clock((0, 300)), sampling=Poisson(), cut=cut, seed=0)


@pytest.mark.parametrize("cut", [Cut(), Cut(world=2), Cut(accumulate=2)], ids=str)
def test_an_empty_batch_lends_an_example_that_does_not_count(cut: Cut) -> None:
    ranks = [list(loader(Cut(world=cut.world, rank=rank, accumulate=cut.accumulate))) for rank in range(cut.world)]
    sizes = [len(batch) for batch in loader(cut).batches(0)]
    assert sizes.count(0) > 200, "each of three examples comes once in 300 steps"
    for step, size in enumerate(sizes):
        pieces = [rank[step * cut.accumulate + micro] for rank in ranks for micro in range(cut.accumulate)]
        assert all(len(piece.targets) > 0 for piece in pieces)
        counted = sum(piece.rows.share * (size or 1) / len(pieces) for piece in pieces)
        assert counted == pytest.approx(size)


def test_a_step_without_examples_learns_nothing(job_of: Callable[..., Job]) -> None:
    job = job_of(
        "data=line",
        "task=linear_regression",
        "data.examples=8",
        "data.validation=0",
        "sampling=poisson",
        "optimizer=sgd",
        "batch_size=1",
        "epochs=2",
        "flush_every=1",
        "trainer=cpu",
    )
    run(job)
    rows = list(csv.DictReader((job.folder / "metrics.csv").read_text().splitlines()))
    assert [int(row["step"]) for row in rows] == list(range(1, 17))
    assert 2 <= sum(not row["train/loss"] for row in rows) <= 12, "(7/8)^8, a third, of the batches are empty"
