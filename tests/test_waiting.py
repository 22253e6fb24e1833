"""Between two flushes nothing waits for the device: a step is taken on one that has no values to read.

On torch's ``meta`` device tensors have a shape and nothing in it, so that whatever looks at a value, or makes a shape
of one, raises; on a GPU the same look would wait until all that was asked before is done.
"""

from collections.abc import Callable
from types import SimpleNamespace

import pytest
import torch

from temper.command.command_line import options
from temper.command.job import Job
from temper.facts import Examples
from temper.training.build import build_batches, build_module
from temper.training.tally import Tally

NOWHERE = torch.device("meta")
CNN = ("task=cifar_resnet", "task.depth=8", "task.width=0.25", "batch_size=24")
TASKS = [
    *((*CNN, f"augmentation=[{name}]") for name in options("augmentation") if name != "none"),
    (
        *CNN,
        "augmentation=[crop,flip,color_jitter,rand_augment,cutout,cutmix]",
        "preprocessing=[median,patch_whitening]",
    ),
    (*CNN, "augmentation=[random_erasing]", "augmentation.random_erasing.fill=noise", "accumulate=3"),
    (*CNN, "clip.kind=adaptive", "clip.value=0.01", "penalty=[l1,l2]", "channels_last=true", "scheduler=one_cycle"),
    ("clip.kind=norm", "clip.value=0.5", "optimizer=adamw", "augmentation=[mixup]", "sampling=over"),
    ("clip.kind=value", "clip.value=0.1", "optimizer=rmsprop", "loss=label_smoothing"),
    ("task=linear_regression", "optimizer=adagrad", "batch_size=16"),
    ("task=cifar_resnet", "task.depth=8", "task.width=0.25", "batch_size=24", "sampling=hardest", "accumulate=2"),
]


@pytest.mark.parametrize("words", TASKS, ids=" ".join)
def test_a_step_reads_no_value(words: tuple[str, ...], small_cifar10: None, job_of: Callable[..., Job]) -> None:
    experiment = job_of(*words).experiment
    batches = build_batches(experiment)
    module = build_module(experiment, batches.facts).to(NOWHERE)
    module.trainer = SimpleNamespace(
        accumulate_grad_batches=experiment.accumulate, global_step=0, global_rank=0, datamodule=batches
    )
    batches.trainer = SimpleNamespace(  # type: ignore[assignment]
        world_size=1, global_rank=0, training=True, strategy=SimpleNamespace(root_device=torch.device("cpu"))
    )
    batches.setup("fit")
    loader, tally = batches.train_dataloader(), Tally()
    loader.examples = Examples(loader.examples.inputs.to(NOWHERE), loader.examples.targets.to(NOWHERE))
    batches.pipeline = batches.pipeline.to(NOWHERE)
    optimizer, steps = module.configure_optimizers(), 0
    for batch in loader:
        here = batches.on_after_batch_transfer(batches.transfer_batch_to_device(batch, NOWHERE, 0), 0)
        assert here.inputs.device.type == here.targets.device.type == "meta"
        module.training_step(here, 0).backward()
        module.configure_gradient_clipping(optimizer)
        optimizer.step()
        optimizer.zero_grad()
        tally.add(module.measured, here.rows.size)
        steps += 1
    assert steps >= 3
    assert tally.count > 0
    with pytest.raises(Exception, match="meta"):  # and what reads them there cannot
        tally.read()
