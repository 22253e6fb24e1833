"""Blocks that stop: from their step on nothing of them moves, and no gradient is taken of them or in front of them."""

from collections.abc import Callable
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest
import torch
from torch import nn

from temper.command.job import Job
from temper.report.measure import multiply_adds
from temper.report.record import Report
from temper.run import run
from temper.training.build import build_batches, build_module
from temper.training.layer_freezing import Settling
from temper.training.shown_weights import KEY

RESNET = ("task=cifar_resnet", "task.depth=8", "task.width=0.25", "batch_size=40", "trainer=cpu", "trainer.threads=1")
CONVNET = ("task=convnet", "task.widths=[8,8]", "task.stem=offset", "batch_size=40", "trainer=cpu", "trainer.threads=1")
WHITENED = ("preprocessing=[normalize,patch_whitening]", "preprocessing.patch_whitening.negatives=true")
UNTIL = ("layer_freezing=progressive", "layer_freezing.until=[2steps,1epochs,4steps]", "epochs=2")  # of 3 steps
ENDS = (2, 3, 4)


class _At:
    def __init__(self, step: int) -> None:
        self.global_step = step


def test_stops_what_is_due_and_nothing_else() -> None:
    blocks = [(nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)), nn.Identity()) for _ in range(3)]
    module: Any = None

    def learning() -> int:
        learns = [all(weight.requires_grad for weight in block[0].parameters()) for block in blocks]
        none = [not any(weight.requires_grad for weight in block[0].parameters()) for block in blocks]
        assert learns == [not each for each in none]
        assert learns == [block[0][1].training and block[0][1].track_running_stats for block in blocks]
        return sum(learns)

    for weight in blocks[0][0].parameters():
        weight.grad = torch.ones_like(weight)
    settling = Settling(list(zip(blocks, (2, 2, 5), strict=True)))
    settling.on_train_start(_At(0), module)  # type: ignore[arg-type]
    assert learning() == 3
    for step, expected in ((1, 3), (2, 1), (3, 1), (4, 1), (5, 0)):
        settling.on_train_batch_start(_At(step), module, None, 0)  # type: ignore[arg-type]
        assert learning() == expected, step
    assert all(weight.grad is None for weight in blocks[0][0].parameters()), "a gradient that nobody takes again"


def test_a_run_that_goes_on_begins_with_what_had_stopped() -> None:
    blocks = [(nn.Linear(2, 2),) for _ in range(3)]
    module: Any = None
    Settling(list(zip(blocks, (2, 3, 4), strict=True))).on_train_start(_At(3), module)  # type: ignore[arg-type]
    assert [layer.weight.requires_grad for (layer,) in blocks] == [False, False, True]


@pytest.mark.parametrize(
    "net",
    [
        (*RESNET, "optimizer=adamw", "optimizer.weight_decay=0.1", "penalty=[l2]"),
        (*RESNET, "optimizer=sam", "clip.kind=norm", "clip.value=0.1"),
        (*CONVNET, *WHITENED, "optimizer=muon"),
    ],
    ids=["adamw", "sam", "a stem of its own"],
)
def test_exactly_the_blocks_that_are_due_stay(
    net: tuple[str, ...], small_cifar10: None, job_of: Callable[..., Job], looked_at: Any
) -> None:
    seen = looked_at(job_of(*net, *UNTIL))
    assert len(seen.states) == 7
    ends = dict(zip(("stem.", "stages.0.", "stages.1."), ENDS, strict=True))
    passes = 2 if "optimizer=sam" in net else 1
    for step in range(6):
        before, after = seen.states[step : step + 2]
        moved = {name for name in before if not torch.equal(before[name], after[name])}
        stopped = {name for name in before if any(name.startswith(each) and at <= step for each, at in ends.items())}
        assert moved == before.keys() - stopped - seen.fixed, step
        for graded in seen.graded[passes * step : passes * (step + 1)]:
            assert not graded & stopped
    learned = [all(row) for row in zip(*(row[: len(ENDS)] for row in seen.followed), strict=True)]
    assert learned == [False] * 3, "each block's answer is without a gradient in the end"
    first = [row[0] for row in seen.followed[: 6 * passes]]  # whoever counts the work afterwards passes through too
    assert first == [number // passes < ENDS[0] for number in range(len(first))]


def test_a_run_killed_after_its_last_step_is_left_as_that_step_found_it() -> None:
    blocks = [(nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)),) for _ in range(3)]
    module: Any = None
    Settling(list(zip(blocks, (2, 5, 6), strict=True))).on_fit_end(_At(6), module)  # type: ignore[arg-type]
    assert [block[0][1].track_running_stats for block in blocks] == [False, False, True]


@pytest.mark.parametrize("averaging", ["ema", "swa"])
def test_a_block_that_has_stopped_is_shown_as_it_stays(
    averaging: str, small_cifar10: None, job_of: Callable[..., Job]
) -> None:
    job = job_of(*RESNET, *UNTIL, f"averaging={averaging}", "averaging.start=0", "layer_freezing.until=[1epochs]")
    run(job)
    kept = torch.load(job.folder / "checkpoints" / "last.ckpt", weights_only=True)
    shown = {name: torch.equal(kept["state_dict"][f"network.{name}"], each) for name, each in kept[KEY].items()}
    weights = {name: same for name, same in shown.items() if not name.endswith("num_batches_tracked")}
    assert all(same for name, same in weights.items() if name.startswith("stem."))
    assert not any(same for name, same in weights.items() if name.endswith("running_mean") and "stem." not in name)


def test_a_run_in_which_blocks_stop_is_resumed_to_the_bit(
    small_cifar10: None, job_of: Callable[..., Job], cut_off: Callable[..., None], tmp_path: Path
) -> None:
    words = (*RESNET, *UNTIL, "optimizer=adam", "checkpoint_seconds=1e-9")

    def weights(folder: Path) -> dict[str, torch.Tensor]:
        kept: dict[str, torch.Tensor] = torch.load(folder / "checkpoints/last.ckpt", weights_only=True)["state_dict"]
        return kept

    run(job_of(*words, folder=tmp_path / "whole"))
    for step in (1, 2, 3, 5):
        job = job_of(*words, folder=tmp_path / f"cut_{step}")
        cut_off(job, step)
        assert Report.load(job.folder).state == "failed"
        run(job_of(*words, folder=job.folder))
        whole, resumed = weights(tmp_path / "whole"), weights(job.folder)
        assert all(torch.equal(whole[name], resumed[name]) for name in whole), step


@pytest.mark.parametrize(
    "words",
    [
        ("activation_checkpointing=blocks",),
        ("averaging=ema", "accumulate=2", "precision=bf16-mixed"),
        ("quantization=aware", "quantization.start=0.2"),
        ("compile=true", "task.width=0.5", "layer_freezing.until=[2steps,4steps]"),  # each is compiled for
    ],
    ids=" ".join,
)
def test_goes_with_what_looks_at_layers_or_gradients(
    words: tuple[str, ...], small_cifar10: None, job_of: Callable[..., Job]
) -> None:
    report = run(job_of(*RESNET, *UNTIL, *words))
    assert report.state == "finished"
    assert any(
        note.startswith("layer_freezing=progressive: frozen are stem from step 2, stages.0") for note in report.notes
    )


def test_the_report_counts_what_each_step_still_learned(
    small_cifar10: None, job_of: Callable[..., Job], tmp_path: Path
) -> None:
    job = job_of(*RESNET, *UNTIL)
    report = run(job)
    network = build_module(job.experiment, build_batches(job.experiment).facts).network
    works = []
    for step in range(6):
        for block, ends in zip(network.blocks(), ENDS, strict=False):
            for part in block:
                part.requires_grad_(step < ends)
        works.append(multiply_adds(network, (3, 32, 32))[1])
    assert works[1] > works[2] > works[3] > works[4]
    examples = sum(attempt.examples for attempt in report.attempts)
    assert report.cost.training_multiply_adds == round(examples * fmean(works))
    other = job_of(*RESNET, *UNTIL, f"ckpt={job.folder}/checkpoints/last.ckpt", "epochs=3", folder=tmp_path / "other")
    on = run(other)  # beyond the other run's steps all that was to stop has stopped
    assert on.cost.training_multiply_adds == on.attempts[0].examples * works[-1]


def test_a_run_left_off_before_its_test_costs_the_same(small_cifar10: None, job_of: Callable[..., Job]) -> None:
    words = (*RESNET, *UNTIL, "data.validation=20")
    whole = run(job_of(*words)).cost.training_multiply_adds
    run(job := job_of(*words, "pause=test"))
    assert run(job_of(*words, folder=job.folder)).cost.training_multiply_adds == whole


def test_spans_of_several_units_go_with_debug(job_of: Callable[..., Job]) -> None:
    words = ("layer_freezing=progressive", "layer_freezing.until=[2epochs,50%]", "trainer=cpu")
    assert run(job_of(*words, "debug=steps")).state == "finished"
