"""Predictions in the mean over views: of one process and of several, in memory and from disk, against plain loops."""

from collections.abc import Callable
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F

from temper.command.job import Job
from temper.data.batches import Batches
from temper.data.epoch_loader import Cut, OnceLoader
from temper.data.views import LEVELS, Level, views
from temper.facts import Examples
from temper.training.answers import Answers
from temper.training.build import build_batches

JobOf = Callable[..., Job]
PICTURES = ("data=image_folder", "data.root=my_photos", "data.test=0.25", "task=mlp", "preprocessing=[normalize]")


def made(job: Job, world: int = 1, rank: int = 0) -> Batches:
    batches = build_batches(job.experiment)
    device = SimpleNamespace(root_device=torch.device("cpu"))
    batches.trainer = SimpleNamespace(  # type: ignore[assignment]
        world_size=world, global_rank=rank, training=False, strategy=device
    )
    batches.setup("test")
    return batches


@torch.no_grad()
def answers_of(network: nn.Module, batches: Batches) -> Answers:
    answers = Answers()
    for number, stored in enumerate(batches.test_dataloader()[0]):
        batch = batches.on_after_batch_transfer(stored, number)
        answers.add(network(batch.inputs), batch)
    return answers


def by_hand(network: Callable[[Tensor], Tensor], image: Tensor, level: Level) -> Tensor:
    """Return the answer to one stored image (c, h, w): the hierarchy of means as it is told in the paper."""
    height, width = image.shape[-2:]

    def with_mirror(image: Tensor) -> Tensor:
        return (network(image) + network(torch.flip(image, [-1]))) / 2

    if level == "mirror":
        return with_mirror(image)
    padded = F.pad(image.float().unsqueeze(0), (1, 1, 1, 1), mode="reflect")[0].to(image.dtype)
    corners = [padded[:, :height, :width], padded[:, 2 : 2 + height, 2 : 2 + width]]
    return with_mirror(image) / 2 + (with_mirror(corners[0]) + with_mirror(corners[1])) / 4


def convolution(channels: int) -> nn.Module:
    torch.manual_seed(1)
    seen = nn.Sequential(nn.Conv2d(channels, 8, 3), nn.ReLU(), nn.Conv2d(8, 4, 3), nn.AdaptiveAvgPool2d(4))
    return nn.Sequential(seen, nn.Flatten(), nn.Linear(64, 3))


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("words", ["preprocessing=[normalize]", "preprocessing=[patch_whitening]"])
@pytest.mark.parametrize("channels_last", [False, True])
def test_means_are_those_of_plain_loops(
    level: Level, words: str, channels_last: bool, small_data: None, job_of: JobOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("temper.data.batches.EVALUATED_AT_ONCE", 5)
    batches = made(
        job_of(*PICTURES, words, f"test_time_augmentation={level}", f"channels_last={str(channels_last).lower()}")
    )
    stored = batches.splits.test.inputs
    assert len(stored) == 12
    network = convolution(len(batches.pipeline(stored[:1])[0]))
    answers = answers_of(network, batches)

    def one(image: Tensor) -> Tensor:
        return network(batches.pipeline(image.unsqueeze(0)))[0]

    with torch.no_grad():
        expected = torch.stack([by_hand(one, image, level) for image in stored])
        plain = torch.stack([one(image) for image in stored])
    assert answers.mean is not None
    torch.testing.assert_close(answers.mean, expected, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(answers.prediction, plain, rtol=1e-4, atol=1e-5)
    assert (answers.mean - plain).abs().max() > 1e-3
    assert torch.equal(answers.target, batches.splits.test.targets)


def test_a_network_that_sees_no_side_answers_the_mirror_image_alike(small_data: None, job_of: JobOf) -> None:
    class BothWays(nn.Module):
        def __init__(self, network: nn.Module) -> None:
            super().__init__()
            self.network = network

        def forward(self, inputs: Tensor) -> Tensor:
            both: Tensor = self.network(inputs) + self.network(inputs.flip(-1))
            return both

    batches = made(job_of(*PICTURES, "test_time_augmentation=mirror"))
    answers = answers_of(BothWays(convolution(3)), batches)
    assert answers.mean is not None
    assert torch.equal(answers.mean, answers.prediction)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("in_memory", ["true", "false"])
def test_ranks_answer_as_one(
    level: Level, in_memory: str, small_data: None, job_of: JobOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("temper.data.batches.EVALUATED_AT_ONCE", 2)  # some ranks have two batches, others one and none
    words = (*PICTURES, f"test_time_augmentation={level}", f"data.in_memory={in_memory}", "data.workers=0")
    job, network = job_of(*words), convolution(3).double()

    def float64(world: int = 1, rank: int = 0) -> Answers:
        batches = made(job, world, rank)
        batches.dtype = torch.float64
        return answers_of(network, batches)

    one, parts = float64(), [float64(5, rank) for rank in range(5)]
    assert [len(part.target) for part in parts] == [3, 3, 2, 2, 2]
    assert one.mean is not None
    means = [part.mean for part in parts if part.mean is not None]
    torch.testing.assert_close(torch.cat(means), one.mean, rtol=0, atol=1e-12)
    torch.testing.assert_close(torch.cat([part.prediction for part in parts]), one.prediction, rtol=0, atol=1e-12)


def test_only_the_test_set_is_looked_at_in_views(small_data: None, job_of: JobOf) -> None:
    batches = made(job_of(*PICTURES, "test_time_augmentation=mirror_and_shift"))
    found = {
        name: len({batch.view for batch in loader})
        for name, loader in zip(batches.tested, batches.test_dataloader(), strict=True)
    }
    assert found == {"test": 6, "train": 1, "val": 1}
    assert {batch.view.moved for batch in batches.val_dataloader()} == {False}


@settings(deadline=None, max_examples=50)
@given(
    count=st.integers(1, 30),
    world=st.integers(1, 4),
    batch_size=st.integers(1, 9),
    level=st.sampled_from((None, *LEVELS)),
)
def test_each_view_of_each_example_counts_once(count: int, world: int, batch_size: int, level: Level | None) -> None:
    examples, lengths, found = Examples(torch.arange(count), torch.arange(count)), set(), []
    for rank in range(world):
        loader = OnceLoader(examples, batch_size=batch_size, cut=Cut(world=world, rank=rank), views=views(level))
        batches, answers = list(loader), Answers()
        assert len(batches) == len(loader)
        lengths.add(len(batches))
        for number, batch in enumerate(batches):  # 1000 for the place of the view, which is then averaged
            answers.add(batch.inputs.double() + 1000 * (number % len(views(level))), batch)
        assert (answers.mean is None) == (level is None)
        found += [answers.prediction if answers.mean is None else answers.mean]
        assert torch.equal(answers.prediction, answers.target.double())
    places = sum(1000 * view.weight * place for place, view in enumerate(views(level)))
    assert torch.equal(torch.cat(found), torch.arange(count) + places)
    assert len(lengths) == 1


def test_rounded_answers_are_added_in_float32(small_data: None, job_of: JobOf) -> None:
    batches = made(job_of(*PICTURES, "test_time_augmentation=mirror", "precision=bf16-true"))
    answers = answers_of(convolution(3).bfloat16(), batches)
    assert answers.mean is not None
    assert answers.prediction.dtype == torch.bfloat16
    assert answers.mean.dtype == torch.float32
