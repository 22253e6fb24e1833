"""Blocks that wait: their gradients are gone before anybody looks, and none moves before it is due."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from temper.command.job import Job
from temper.run import run
from temper.training.frozen import Frozen


class _At:
    def __init__(self, step: int) -> None:
        self.global_step = step


def test_lets_go_what_is_due_and_nothing_else() -> None:
    blocks = [(nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)), nn.Identity()) for _ in range(3)]
    frozen = Frozen(list(zip(blocks, (6, 4, 2), strict=True)), 9)  # type: ignore[arg-type]
    module: Any = None
    frozen.on_train_start(_At(0), module)  # type: ignore[arg-type]

    def learning() -> list[bool]:
        for block in blocks:
            for weight in block[0].parameters():
                weight.grad = torch.ones_like(weight)
        frozen.on_after_backward(_At(0), module)  # type: ignore[arg-type]
        graded = [all(weight.grad is not None for weight in block[0].parameters()) for block in blocks]
        none = [all(weight.grad is None for weight in block[0].parameters()) for block in blocks]
        assert graded == [not each for each in none]
        assert graded == [block[0][1].training and block[0][1].track_running_stats for block in blocks]
        return graded

    assert learning() == [False, False, False]
    for step, expected in ((1, 0), (2, 1), (3, 1), (4, 2), (5, 2)):
        frozen.on_train_batch_start(_At(step), module, None, 0)  # type: ignore[arg-type]
        assert sum(learning()) == expected, step
    frozen.on_fit_end(_At(6), module)  # type: ignore[arg-type]
    assert sum(learning()) == 2, "the step that would have let it go was never taken"
    frozen.on_train_start(_At(6), module)  # type: ignore[arg-type]
    assert learning() == [True, True, True]


def test_a_run_that_is_over_is_left_as_its_last_step_found_it() -> None:
    blocks = [(nn.BatchNorm1d(2),) for _ in range(3)]
    frozen = Frozen(list(zip(blocks, (9, 8, 4), strict=True)), 9)
    module: Any = None
    frozen.on_fit_end(_At(8), module)  # type: ignore[arg-type]
    assert [norm.track_running_stats for (norm,) in blocks] == [False, False, True]
    assert [norm.weight.requires_grad for (norm,) in blocks] == [False, True, True]


BLOCKS = ("stem.", "stages.0.", "stages.1.", "stages.2.", "head.")


@pytest.mark.parametrize(
    "words",
    [
        ("optimizer=adamw", "optimizer.weight_decay=0.1", "penalty=[l2]"),
        ("optimizer=sam", "clip.kind=norm", "clip.value=0.1"),
    ],
    ids=" ".join,
)
def test_exactly_the_blocks_that_are_due_move(
    words: tuple[str, ...], small_cifar10: None, job_of: Callable[..., Job], looked_at: Any, tmp_path: Path
) -> None:
    net = ("task=cifar_resnet", "task.depth=8", "task.width=0.25", "batch_size=40", "trainer=cpu", "trainer.threads=1")
    run(job_of(*net, "epochs=1", folder=tmp_path / "source"))
    source = ("transfer=checkpoint", f"transfer.run={tmp_path / 'source'}", "transfer.freeze=backbone")
    seen = looked_at(job_of(*net, *words, *source, "transfer.unfreeze=2steps", "epochs=3"))  # of 3 steps
    assert len(seen.states) == 10
    begins = dict(zip(BLOCKS, (8, 6, 4, 2, 0), strict=True))
    for step in range(9):
        before, after = seen.states[step : step + 2]
        moved = {name for name in before if not torch.equal(before[name], after[name])}
        due = {name for name in before if any(name.startswith(each) and at <= step for each, at in begins.items())}
        assert moved == due, f"step {step}: {moved ^ due}"
    passes = 2 if words[0] == "optimizer=sam" else 1
    assert len(seen.graded) == 9 * passes
    for number, graded in enumerate(seen.graded):
        assert {name.split(".")[0] for name in graded} == {
            block.split(".")[0] for block, at in begins.items() if at <= number // passes
        }
