"""The hardest examples: which they are, how many, and that an epoch learns from what the ones before it found out."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import ValidationError

from temper.command.job import Job
from temper.data.batches import Batch, Batches
from temper.refusal import Refusal
from temper.run import run
from temper.sampling.hardest import Hardest

SHORT = ("trainer=cpu", "trainer.threads=1", "task.hidden=[8]", "batch_size=100", "sampling=hardest")
KEEP = "sampling.keep=[1.0,0.5,0.7]"


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize(
    ("keep", "epochs", "expected"),
    [
        ((1.0, 0.7), 4, [10, 10, 7, 7]),
        ((1.0, 0.5, 0.3), 3, [10, 5, 3]),
        ((0.29,), 2, [2, 2]),  # whole examples, rounded down
        ((0.01,), 1, [1]),
        ((1.0, 0.9, 0.8, 0.7), 2, [10, 8]),
    ],
)
def test_count_of_each_epoch(keep: tuple[float, ...], epochs: int, expected: list[int]) -> None:
    sampling = Hardest(keep=keep)
    assert [sampling.count(10, epoch, epochs) for epoch in range(epochs)] == expected
    assert sampling.count(10, 99, epochs) == expected[-1]
    assert sampling.size(torch.zeros(10)) == 10


def test_takes_the_largest_losses() -> None:
    losses = torch.tensor([0.3, 5.0, float("inf"), 0.1, 2.0, 0.0])
    assert set(Hardest(keep=(0.5,)).narrowed(losses, 3, generator()).tolist()) == {1, 2, 4}


def test_among_equal_losses_every_example_has_its_chance() -> None:
    taken = torch.zeros(8)
    for seed in range(400):
        taken[Hardest(keep=(0.5,)).narrowed(torch.full((8,), float("inf")), 4, generator(seed))] += 1
    assert taken.sum() == 1600
    assert (taken - 200).abs().max() < 50  # five standard deviations of a binomial


def test_order_tells_nothing_of_the_loss() -> None:
    targets = torch.zeros(200)
    order = torch.cat(Hardest(keep=(1.0,)).batches(targets, 60, 4, generator(3)))
    assert order.sort().values.equal(torch.arange(200))
    assert order.equal(torch.randperm(200, generator=generator(3)))


@pytest.mark.parametrize("keep", [(), (0.0,), (1.5,), (1.0, -0.1), (True,), ("much",)])
def test_refuses_shares_that_are_none(keep: Any) -> None:
    with pytest.raises(ValidationError, match="keep"):
        Hardest(keep=keep)


class _Watched:
    """What a run's steps have told of each example, epoch by epoch."""

    def __init__(self, patched: pytest.MonkeyPatch) -> None:
        self.epochs: dict[int, dict[int, float]] = {}
        note = Batches.note

        def noting(batches: Batches, batch: Batch, losses: torch.Tensor) -> None:
            assert batch.examples is not None
            seen, examples = self.epochs.setdefault(batch.rows.epoch, {}), batch.examples.tolist()
            assert not seen.keys() & examples, "an example twice in an epoch"
            seen |= dict(zip(examples, losses.tolist(), strict=True))
            note(batches, batch, losses)

        patched.setattr(Batches, "note", noting)


@pytest.mark.parametrize(
    "words",
    [(), ("accumulate=3",), ("augmentation=[alternating_flip]", "task=convnet", "task.widths=[4]"), ("optimizer=sam",)],
    ids=" ".join,
)
def test_an_epoch_holds_those_whose_latest_loss_was_largest(
    words: tuple[str, ...], small_cifar10: None, job_of: Callable[..., Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    watched = _Watched(monkeypatch)
    net = tuple(word for word in SHORT if "convnet" not in " ".join(words) or "hidden" not in word)
    run(job_of(*net, KEEP, *words, "epochs=6"))
    count = len(watched.epochs[0])
    latest = {example: float("inf") for example in range(count)}
    for epoch, share in enumerate((1.0, 1.0, 0.5, 0.5, 0.7, 0.7)):
        taken = watched.epochs[epoch]
        assert len(taken) == int(share * count + 1e-9)
        left = latest.keys() - taken.keys()
        if left:
            assert min(latest[example] for example in taken) >= max(latest[example] for example in left)
        latest |= taken


def test_a_run_is_resumed_to_the_bit_from_the_middle_of_an_epoch(
    job_of: Callable[..., Job], cut_off: Callable[..., None], tmp_path: Path
) -> None:
    words = (*SHORT, KEEP, "epochs=3", "checkpoint_seconds=1e-9")

    def weights(folder: Path) -> dict[str, torch.Tensor]:
        kept: dict[str, torch.Tensor] = torch.load(folder / "checkpoints/last.ckpt", weights_only=True)["state_dict"]
        return kept

    run(job_of(*words, folder=tmp_path / "whole"))
    for step in (3, 11, 13, 17, 19):  # epochs of 11, 6 and 8 steps
        job = job_of(*words, folder=tmp_path / f"cut_{step}")
        cut_off(job, step)
        run(job_of(*words, folder=job.folder))
        whole, resumed = weights(tmp_path / "whole"), weights(job.folder)
        assert all(torch.equal(whole[name], resumed[name]) for name in whole), step


@pytest.mark.parametrize("before", [("sampling=none",), ("data.validation=0.199",)], ids=" ".join)
def test_goes_on_from_a_run_whose_losses_are_not_its_own(
    before: tuple[str, ...], job_of: Callable[..., Job], tmp_path: Path
) -> None:
    words = tuple(word for word in SHORT if word.partition("=")[0] != before[0].partition("=")[0])
    run(job_of(*words, *before, "epochs=1", folder=tmp_path / "before"))
    more = job_of(*SHORT, KEEP, "epochs=3", f"ckpt={tmp_path}/before/checkpoints/last.ckpt", folder=tmp_path / "after")
    assert run(more).state == "finished"


def test_rewinding_would_count_its_epochs_otherwise(job_of: Callable[..., Job]) -> None:
    with pytest.raises(Refusal, match=r"pruning=lottery_ticket .*sampling=hardest .*choose sampling=none"):
        job_of(*SHORT, "pruning=lottery_ticket")


@pytest.mark.parametrize("mixing", ["mixup", "cutmix"])
def test_refuses_losses_of_two_examples_in_one(mixing: str, refusal_of: Callable[..., str]) -> None:
    said = refusal_of("task=convnet", "task.widths=[4,4]", "sampling=hardest", f"augmentation=[{mixing}]")
    assert all(word in said for word in ("sampling=hardest", f"augmentation={mixing}", "sampling=none"))
