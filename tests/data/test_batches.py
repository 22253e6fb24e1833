"""Batches as a step gets them: the same after a break, the same in any number of processes, in memory or from disk."""

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from temper.command.job import Job
from temper.data.batches import Batch, Batches
from temper.data.cifar10 import CIFAR10
from temper.data.epoch_loader import Cut
from temper.data.pipeline import Pipeline
from temper.facts import Examples, Splits
from temper.preprocessing.gaussian import Gaussian
from temper.preprocessing.normalize import Normalize
from temper.refusal import Refusal
from temper.training.build import build_batches

JobOf = Callable[..., Job]
IMAGES = ("task=cifar_resnet", "batch_size=32", "trainer=cpu", "seed=5")  # 120 images: the last batch has 24
VARIED = [
    "augmentation=[crop,flip]",
    "augmentation=[crop,alternating_flip,cutout]",
    "augmentation=[rotation,scaling,translation,color_jitter,random_erasing]",
    "augmentation=[rand_augment,mixup]",
    "augmentation=[trivial_augment,cutmix]",
    "augmentation=[auto_augment]",
]


CPU, ELSEWHERE = torch.device("cpu"), torch.device("meta")  # the latter every machine has too


def made(job: Job, world: int = 1, rank: int = 0, parts: Cut | None = None, device: torch.device = CPU) -> Batches:
    batches = build_batches(job.experiment)
    batches.trainer = SimpleNamespace(  # type: ignore[assignment]
        world_size=world, global_rank=rank, training=True, strategy=SimpleNamespace(root_device=device)
    )
    batches.parts = parts
    batches.setup("fit")
    return batches


def epoch(batches: Batches, most: int | None = None) -> list[Batch]:
    taken = []
    for batch in batches.train_dataloader():
        taken.append(batches.on_after_batch_transfer(batch, 0))
        if len(taken) == most:
            break
    return taken


def assert_same(one: list[Batch], other: list[Batch]) -> None:
    assert len(one) == len(other) > 0
    for first, second in zip(one, other, strict=True):
        assert torch.equal(first.inputs, second.inputs)
        assert torch.equal(first.targets, second.targets)
        assert first.rows == second.rows


def stored(state: dict[str, Any]) -> dict[str, Any]:
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    loaded: dict[str, Any] = torch.load(file, weights_only=True)
    return loaded


@pytest.mark.parametrize("words", VARIED)
@pytest.mark.parametrize(("world", "accumulate"), [(1, 1), (2, 1), (2, 2)])
def test_what_was_left_of_an_epoch_is_the_same_after_a_break(
    words: str, world: int, accumulate: int, small_cifar10: None, job_of: JobOf
) -> None:
    job = job_of(*IMAGES, words, f"accumulate={accumulate}")
    for rank in range(world):
        whole = made(job, world, rank)
        first, second = epoch(whole), epoch(whole)
        assert not torch.equal(first[0].inputs, second[0].inputs)
        broken = made(job, world, rank)
        assert_same(epoch(broken), first)
        assert_same(epoch(broken, 2), second[:2])
        gone_on = made(job, world, rank)
        gone_on.load_state_dict(stored(broken.state_dict()))
        assert_same(epoch(gone_on), second[2:])


@pytest.mark.parametrize("words", VARIED)
def test_two_ranks_see_the_images_of_one(words: str, small_cifar10: None, job_of: JobOf) -> None:
    job = job_of(*IMAGES, words)
    one = made(job, parts=Cut(world=2))  # partners lie within a rank's rows: the one process pairs them alike
    ranks = [made(job, 2, rank) for rank in range(2)]
    for _ in range(2):
        whole, pieces = epoch(one), [epoch(rank) for rank in ranks]
        assert [batch.rows.size for batch in whole] == [32, 32, 32, 24]
        for batch, first, second in zip(whole, *pieces, strict=True):
            assert torch.equal(batch.inputs, torch.cat([first.inputs, second.inputs]))
            assert torch.equal(batch.targets, torch.cat([first.targets, second.targets]))


def test_samples_are_the_same_on_each_rank_and_of_no_epoch_of_the_run(small_cifar10: None, job_of: JobOf) -> None:
    job = job_of(*IMAGES, "augmentation=[crop,flip]", "epochs=2")
    one, two = made(job), made(job, 2, 1)
    seen = list(one.samples(50))
    assert [len(inputs) for inputs in seen] == [32, 32]
    assert all(torch.equal(first, second) for first, second in zip(seen, two.samples(50), strict=True))
    trained = [batch.inputs for _ in range(2) for batch in epoch(one)]
    assert not any(torch.equal(seen[0], inputs) for inputs in trained if inputs.shape == seen[0].shape)


@pytest.mark.parametrize("workers", [0, 2])
def test_from_disk_as_from_memory(workers: int, small_data: None, job_of: JobOf) -> None:
    words = (*IMAGES, "data=image_folder", "data.root=my_photos", "augmentation=[crop,mixup]", "batch_size=10")
    held = made(job_of(*words, "data.in_memory=true"))
    read = made(job_of(*words, "data.in_memory=false", f"data.workers={workers}"))
    assert_same(epoch(held), epoch(read))
    assert_same(epoch(held, 2), epoch(read, 2))
    gone_on = made(job_of(*words, "data.in_memory=false", f"data.workers={workers}"))
    gone_on.load_state_dict(stored(read.state_dict()))
    rest = epoch(gone_on)
    fresh = made(job_of(*words, "data.in_memory=true"))
    epoch(fresh)
    assert_same(rest, epoch(fresh)[2:])
    for loader, other in zip(
        [held.val_dataloader(), *held.test_dataloader()], [read.val_dataloader(), *read.test_dataloader()], strict=True
    ):
        assert_same(list(loader), list(other))


def test_two_ranks_read_the_images_of_one_from_disk(small_data: None, job_of: JobOf) -> None:
    words = (*IMAGES, "data=image_folder", "data.root=my_photos", "data.in_memory=false", "data.workers=0")
    whole = epoch(made(job_of(*words)))
    pieces = [epoch(made(job_of(*words), 2, rank)) for rank in range(2)]
    for batch, first, second in zip(whole, *pieces, strict=True):
        assert torch.equal(batch.inputs, torch.cat([first.inputs, second.inputs]))


@pytest.mark.parametrize("workers", [0, 1])
def test_a_file_that_breaks_off_is_named_when_it_is_read(workers: int, small_data: None, job_of: JobOf) -> None:
    words = (*IMAGES, "data=image_folder", "data.root=my_photos", "data.in_memory=false", f"data.workers={workers}")
    broken = sorted(Path("my_photos").rglob("*.png"))[5]
    broken.write_bytes(broken.read_bytes()[:-60])
    batches = made(job_of(*words, "preprocessing=[]"))
    loaders = (batches.train_dataloader(), batches.val_dataloader(), *batches.test_dataloader())
    with pytest.raises(Refusal, match=rf"{broken.name}: is no image.*data\.skip_broken=true"):
        _ = [list(loader) for loader in loaders]
    skipped = made(job_of(*words, "data.skip_broken=true"))
    assert skipped.splits.note is not None
    assert broken.name in skipped.splits.note
    assert sum(len(batch.targets) for batch in epoch(skipped)) > 0


def test_images_that_a_device_has_no_room_for_are_prepared_there(small_cifar10: None, job_of: JobOf) -> None:
    batches = made(job_of(*IMAGES, "preprocessing=[normalize]"), device=ELSEWHERE)
    assert batches.learned.inputs.device == batches.learned.targets.device == CPU
    assert {kept.device for kept in batches.pipeline.fitted["normalize"].values()} == {ELSEWHERE}
    (sample, *_) = batches.samples(64)
    assert sample.device == ELSEWHERE


def test_targets_of_images_on_disk_lie_beside_them(
    small_data: None, job_of: JobOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Batches, "_storage", lambda _: ELSEWHERE)  # as a GPU, that nothing of them takes room on
    words = (*IMAGES, "data=image_folder", "data.root=my_photos", "data.in_memory=false", "data.workers=0")
    batches = made(job_of(*words), device=ELSEWHERE)
    assert batches.learned.targets.device == CPU
    (first, *_) = batches.train_dataloader()
    assert first.inputs.device == first.targets.device


def test_a_filter_sees_a_few_images_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    images = torch.randint(0, 256, (23, 3, 8, 8), dtype=torch.uint8)
    steps = {"gaussian": Gaussian(size=3, sigma=0.7), "normalize": Normalize(mean=None, std=None)}
    whole = Pipeline.fit(steps, Examples(images, torch.zeros(23)))
    seen: list[int] = []
    monkeypatch.setattr("temper.data.pipeline.FITTED_AT_ONCE", 7)
    apply = Gaussian.apply

    def watched(self: Gaussian, inputs: Tensor, fitted: Any) -> Tensor:
        seen.append(len(inputs))
        return apply(self, inputs, fitted)

    monkeypatch.setattr(Gaussian, "apply", watched)
    pieces = Pipeline.fit(steps, Examples(images, torch.zeros(23)))
    assert seen == [7, 7, 7, 2]
    for key, value in whole.fitted["normalize"].items():
        torch.testing.assert_close(pieces.fitted["normalize"][key], value)


def test_order_and_lots_are_of_the_seed_and_the_epoch(
    small_cifar10: None, job_of: JobOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All images are one, so that what differs was drawn differently."""
    several = CIFAR10.splits

    def one_image(self: CIFAR10) -> Splits:
        splits = several(self)
        train = splits.train
        return replace(splits, train=replace(train, inputs=train.inputs[:1].expand_as(train.inputs).contiguous()))

    monkeypatch.setattr(CIFAR10, "splits", one_image)
    first, other = (made(job_of(*IMAGES, "augmentation=[crop]", f"seed={seed}")) for seed in (0, 1))
    again = made(job_of(*IMAGES, "augmentation=[crop]", "seed=0"))
    epochs = [epoch(first), epoch(first), epoch(other)]
    assert_same(epoch(again), epochs[0])
    for one in epochs[1:]:
        assert not torch.equal(one[0].targets, epochs[0][0].targets)
        assert not torch.equal(one[0].inputs, epochs[0][0].inputs)
