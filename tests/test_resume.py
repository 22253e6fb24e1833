"""A run that was cut off anywhere and started again ends with the weights of one that never was, to the bit."""

import csv
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from temper.command.command_line import options
from temper.command.job import Job
from temper.report.record import Report
from temper.run import run

CutOff = Callable[..., None]
ROOT = Path(__file__).resolve().parents[1]
SMALL = (
    "epochs=3",
    "batch_size=128",  # 9 steps an epoch, the last batch smaller
    "trainer=cpu",
    "trainer.threads=1",
    "optimizer=adam",
    "scheduler=one_cycle",
    "augmentation=[mixup]",
    "pruning=magnitude",
    "flush_every=4",
    "checkpoint_seconds=1e-9",  # after each step
)
STEPS_AN_EPOCH = 9


def weights(folder: Path, name: str = "last") -> dict[str, torch.Tensor]:
    loaded: dict[str, torch.Tensor] = torch.load(folder / "checkpoints" / f"{name}.ckpt", weights_only=True)[
        "state_dict"
    ]
    return loaded


def assert_same(first: Path, second: Path) -> None:
    for name in ("last", "best"):
        one, other = weights(first, name), weights(second, name)
        assert one.keys() == other.keys()
        assert all(torch.equal(one[key], other[key]) for key in one), name


def cut_and_resume(job: Job, step: int, place: str, cut_off: CutOff) -> Report:
    cut_off(job, step, place)
    assert Report.load(job.folder).state == "failed"
    report = run(job)
    assert report.state == "finished"
    return report


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {"folder": tmp_path_factory.mktemp("unbroken")}


@pytest.mark.parametrize(
    ("step", "place"),
    [
        (1, "on_train_batch_start"),
        (4, "on_train_batch_end"),
        (9, "on_train_batch_end"),  # the last batch of an epoch, before validation
        (9, "on_validation_start"),
        (9, "on_validation_end"),
        (9, "on_train_epoch_end"),
        (10, "on_train_batch_start"),
        (26, "on_train_batch_end"),
        (27, "on_validation_end"),
        (27, "on_train_end"),
    ],
)
def test_cut_anywhere(
    step: int,
    place: str,
    unbroken: dict[str, Path],
    job_of: Callable[..., Job],
    tmp_path: Path,
    cut_off: CutOff,
) -> None:
    whole = unbroken["folder"]
    if not (whole / "report.json").exists():
        run(job_of(*SMALL, folder=whole))
    job = job_of(*SMALL)
    cut_and_resume(job, step, place, cut_off)
    assert_same(whole, job.folder)
    first, second = (Report.load(folder).metrics for folder in (whole, job.folder))
    assert first == second
    steps = [line.split(",")[0] for line in (job.folder / "metrics.csv").read_text().splitlines()]
    assert steps == [line.split(",")[0] for line in (whole / "metrics.csv").read_text().splitlines()]


BRIEF = ("epochs=3", "batch_size=300", "trainer=cpu", "trainer.threads=1", "flush_every=3", "checkpoint_seconds=1e-9")
# 3 steps an epoch; by this bound the run ends after 5, in the middle of its second.
FLAT = (
    "task=linear_regression data.examples=505 batch_size=101 optimizer=sgd optimizer.lr=0.2 flush_every=2"
    " stopping=[gradient_norm]"
)
STATEFUL = (  # 4 steps an epoch; what holds a state of its own
    *(f"optimizer={name}" for name in options("optimizer")),
    *(f"averaging={name} averaging.start=0" for name in options("averaging") if name != "none"),
    "averaging=ema averaging.start=1epochs optimizer=adam",
    "averaging=swa averaging.start=2epochs",
    "averaging=ema pruning=magnitude pruning.start=0 pruning.end=0.9",
    "averaging=ema pruning=random pruning.start=0 pruning.end=0.9",
    "averaging=swa averaging.start=0 pruning=n_m pruning.start=0.4",
    "pruning=lottery_ticket pruning.rounds=2 pruning.rewind=0.4 optimizer=adam scheduler=one_cycle",  # trainings of 5
    "low_rank=truncated_svd low_rank.start=0.3 averaging=ema optimizer=adam",
    "low_rank=truncated_svd low_rank.rank=null low_rank.energy=0.4 low_rank.start=0.3 pruning=channels"
    " averaging=swa averaging.start=0",
    "task.dropout=0.3",  # drawn anew in each step: of the seed and the step alone
    "task.dropout=0.3 activation_checkpointing=blocks accumulate=2",
    "scheduler=plateau scheduler.patience=0 scheduler.threshold=9 scheduler.threshold_mode=abs",  # falls each time
    f"{FLAT} stopping.gradient_norm.bound=1.0",
    "batch_growth=multiply batch_growth.every=1",
    "batch_growth=linear batch_growth.last=900 accumulate=2",
    "sampling=poisson",
    "sampling=poisson privacy=dp_sgd optimizer=adam accumulate=2",
)


@pytest.mark.parametrize("weighting", options("weighting"))
def test_weights_of_terms_are_resumed(
    weighting: str, job_of: Callable[..., Job], tmp_path: Path, cut_off: CutOff
) -> None:
    run(job_of("epochs=1", folder=tmp_path / "teacher"))
    words = (
        *BRIEF,
        f"weighting={weighting}",
        "distillation=[logits]",
        f"distillation.logits.teacher={tmp_path / 'teacher'}",
        "accumulate=2",
        "flush_every=1",
    )
    whole = job_of(*words, folder=tmp_path / "whole")
    report = run(whole)
    job = job_of(*words)
    resumed = cut_and_resume(job, 6, "on_train_batch_end", cut_off)
    assert_same(whole.folder, job.folder)
    assert resumed.metrics == report.metrics
    logged = [list(weights_logged(folder)) for folder in (whole.folder, job.folder)]
    assert logged[0] == logged[1]
    assert len(logged[0]) == 12


def weights_logged(folder: Path) -> Iterator[tuple[str, str]]:
    with (folder / "metrics.csv").open() as file:
        yield from ((row["weight/task"], row["weight/logits"]) for row in csv.DictReader(file) if row["weight/task"])


@pytest.mark.parametrize("words", STATEFUL)
def test_every_state_is_resumed(words: str, job_of: Callable[..., Job], tmp_path: Path, cut_off: CutOff) -> None:
    whole = job_of(*BRIEF, *words.split(), folder=tmp_path / "whole")
    report = run(whole)
    job = job_of(*BRIEF, *words.split())
    resumed = cut_and_resume(job, 5, "on_train_batch_end", cut_off)
    assert_same(whole.folder, job.folder)
    assert resumed.metrics == report.metrics
    assert resumed.privacy == report.privacy


@pytest.mark.parametrize(
    "words",
    [
        "task=cifar_resnet task.depth=8 task.width=0.25 task.stochastic_depth=0.5 task.dropout=0.2",
        "task=convnet task.widths=[4,4] resolution=piecewise augmentation=[crop,alternating_flip] optimizer=muon",
    ],
)
def test_what_images_have_of_their_own_is_resumed(
    words: str, small_cifar10: None, job_of: Callable[..., Job], tmp_path: Path, cut_off: CutOff
) -> None:
    whole = job_of(*BRIEF, "batch_size=40", *words.split(), folder=tmp_path / "whole")  # 3 steps an epoch
    run(whole)
    job = job_of(*BRIEF, "batch_size=40", *words.split())
    cut_and_resume(job, 5, "on_train_batch_end", cut_off)
    assert_same(whole.folder, job.folder)


@pytest.mark.parametrize("place", ["on_train_batch_end", "on_validation_start", "on_train_epoch_end", "on_train_end"])
def test_a_run_that_is_being_stopped(place: str, job_of: Callable[..., Job], tmp_path: Path, cut_off: CutOff) -> None:
    words = (*BRIEF, *FLAT.split(), "stopping.gradient_norm.bound=1.0", "validate_every=3")
    whole, job = job_of(*words, folder=tmp_path / "whole"), job_of(*words)
    report = run(whole)
    # Without a validation after the first epoch the rows are of other steps: 2 and 4.
    resumed = cut_and_resume(job, 4, place, cut_off)
    assert_same(whole.folder, job.folder)
    assert report.attempts[-1].last_step == resumed.attempts[-1].last_step == 4
    assert resumed.stopped == report.stopped is not None
    assert resumed.metrics == report.metrics
