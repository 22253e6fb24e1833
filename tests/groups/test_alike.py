"""Every option puts every parameter of every task's module into one group, and into one only."""

from collections.abc import Callable

import pytest

from temper.command.command_line import options
from temper.command.job import Job
from temper.training.build import build_batches, build_module

SMALL = {
    "cifar_resnet": ("task.depth=8", "task.width=0.25"),
    "convnet": ("task.widths=[8,8]",),
    "mlp": ("task.hidden=[8,8]",),
    "linear_regression": (),
}


def test_knows_every_task() -> None:
    assert set(SMALL) == set(options("task"))


PAIRS = [
    (task, groups)
    for task in SMALL
    for groups in options("groups")
    if task != "linear_regression" or groups not in ("layer_decay", "head")  # refused: tests/test_refusals.py
]


@pytest.mark.parametrize(("task", "groups"), PAIRS)
def test_each_parameter_is_there_once(task: str, groups: str, job_of: Callable[..., Job], small_cifar10: None) -> None:
    experiment = job_of(f"task={task}", *SMALL[task], f"groups={groups}").experiment
    module = build_module(experiment, build_batches(experiment).facts)
    held = [name for group in experiment.groups.build(module) for name in group.names]
    assert sorted(held) == sorted(name for name, weight in module.named_parameters() if weight.requires_grad)
