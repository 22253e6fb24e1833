"""Images made smaller, against torchvision; and which sizes a run's steps, evaluation and figures see."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torchvision.transforms.v2 import functional as V

from temper.command.job import Job
from temper.data.resize import resized, resized_shape
from temper.report.measure import multiply_adds
from temper.run import run
from temper.training.build import build_batches, build_module

JobOf = Callable[..., Job]
WORDS = ("resolution=piecewise", "resolution.sides=[16,24,32]", "epochs=3", "batch_size=40", "trainer.threads=1")
SMALL = ("task=convnet", "task.widths=[4,4]", *WORDS)


@pytest.mark.parametrize(("height", "width", "side"), [(32, 32, 20), (20, 30, 10), (31, 17, 8), (9, 9, 9)])
def test_is_torchvisions(height: int, width: int, side: int) -> None:
    images = torch.rand(3, 2, height, width)
    ours = resized(images, side)
    assert ours.shape[2:] == resized_shape(height, width, side)
    assert min(ours.shape[2:]) == side
    torch.testing.assert_close(ours, V.resize(images, list(ours.shape[2:]), antialias=True))


def test_keeps_the_memory_format() -> None:
    images = torch.rand(3, 2, 16, 16).contiguous(memory_format=torch.channels_last)
    assert resized(images, 8).is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("augmentation", ["[]", "[crop,flip]", "[flip,mixup]"])
def test_training_sees_each_epochs_size_and_evaluation_the_whole(
    augmentation: str, small_cifar10: None, job_of: JobOf
) -> None:
    batches = build_batches(job_of(*SMALL, f"augmentation={augmentation}").experiment)
    trainer = SimpleNamespace(
        world_size=1, global_rank=0, training=True, strategy=SimpleNamespace(root_device=torch.device("cpu"))
    )
    batches.trainer = trainer  # type: ignore[assignment]
    batches.setup("fit")
    seen = []
    for _ in range(3):
        epoch = [batches.on_after_batch_transfer(batch, 0).inputs for batch in batches.train_dataloader()]
        seen.append({tuple(inputs.shape[1:]) for inputs in epoch})
    assert seen == [{(3, 16, 16)}, {(3, 24, 24)}, {(3, 32, 32)}]
    assert {inputs.shape[-1] for inputs in batches.samples(80)} == {32}
    trainer.training = False
    assert {batches.on_after_batch_transfer(batch, 0).inputs.shape[-1] for batch in batches.val_dataloader()} == {32}


def test_small_images_are_the_stored_ones_resized_before_preprocessing(small_cifar10: None, job_of: JobOf) -> None:
    words = ("preprocessing=[normalize,patch_whitening]", "preprocessing.patch_whitening.size=2")
    batches = build_batches(job_of(*SMALL, *words).experiment)
    batches.trainer = SimpleNamespace(  # type: ignore[assignment]
        world_size=1, global_rank=0, training=True, strategy=SimpleNamespace(root_device=torch.device("cpu"))
    )
    batches.setup("fit")
    batch = next(iter(batches.train_dataloader()))
    stored = resized(batch.inputs.float() / 255, 16)
    torch.testing.assert_close(batches.on_after_batch_transfer(batch, 0).inputs, batches.pipeline(stored))
    assert batches.facts.epoch_shapes == ((12, 15, 15), (12, 23, 23), (12, 31, 31))
    assert batches.facts.shape == (12, 31, 31)


def test_the_report_counts_the_work_of_each_size(small_cifar10: None, job_of: JobOf, tmp_path: Path) -> None:
    job = job_of(*SMALL, folder=tmp_path / "run")
    report = run(job)
    facts = build_batches(job.experiment).facts
    network = build_module(job.experiment, facts).network
    examples = sum(attempt.examples for attempt in report.attempts)
    by_hand = sum(examples / 3 * multiply_adds(network, (3, side, side))[1] for side in (16, 24, 32))
    assert report.cost.training_multiply_adds == pytest.approx(by_hand, rel=1e-6)
    assert report.complexity.multiply_adds == multiply_adds(network, (3, 32, 32))[0]


def test_sizes_that_stay_leave_everything_as_it_was(small_cifar10: None, job_of: JobOf) -> None:
    facts = build_batches(job_of(*SMALL, "resolution.sides=[32]").experiment).facts
    assert facts.epoch_shapes == ()


def test_refuses_sizes_that_do_not_go_with_the_images(small_cifar10: None, job_of: JobOf) -> None:
    with pytest.raises(ValueError, match=r"resolution\.sides: 40 would enlarge"):
        build_batches(job_of(*SMALL, "resolution.sides=[16,40]").experiment)
    job = job_of(*SMALL, "resolution.sides=[2,32]")
    with pytest.raises(ValueError, match="or raise the sides of resolution"):
        build_module(job.experiment, build_batches(job.experiment).facts)
