"""What the recorder counts, and what it says when there is nothing left to record."""

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning import Trainer

from temper.command.job import Job
from temper.report.record import Report
from temper.run import run
from temper.training.metrics_file import read_rows


@pytest.mark.parametrize(
    ("words", "key"),
    [
        (("optimizer=sgd",), "optimizer.lr"),
        (("optimizer=sam", "optimizer@optimizer.base=sgd"), "optimizer.base.lr"),
        (
            ("optimizer=lookahead", "optimizer@optimizer.base=sam", "optimizer@optimizer.base.base=sgd"),
            "optimizer.base.base.lr",
        ),
    ],
)
def test_a_loss_that_is_no_number_ends_the_run_and_names_the_rate(
    words: tuple[str, ...], key: str, job_of: Callable[..., Job], capsys: pytest.CaptureFixture[str]
) -> None:
    job = job_of(*words, f"{key}=1e30", "epochs=1", "flush_every=2", "trainer=cpu", "trainer.threads=1")
    with pytest.raises(SystemExit, match="1"):
        run(job)
    assert re.search(rf"the training loss is (nan|inf) at step \d+: lower {key}, add", capsys.readouterr().err)
    assert Report.load(job.folder).state == "failed"


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ((), True),
        (("preprocessing=[standardize]", "optimizer.lr=1e30"), False),
        (("task=mlp", "optimizer.lr=1e30"), False),  # pixels are of one unit
    ],
)
def test_a_loss_of_raw_columns_that_is_no_number_names_what_scales_them(
    words: tuple[str, ...], named: bool, job_of: Callable[..., Job], capsys: pytest.CaptureFixture[str]
) -> None:
    task = () if "task=mlp" in words else ("task=linear_regression", "data=diabetes")
    job = job_of(*task, "epochs=20", "trainer=cpu", "trainer.threads=1", *words)
    with pytest.raises(SystemExit, match="1"):
        run(job)
    said = capsys.readouterr().err
    assert (": set preprocessing=[standardize], lower optimizer.lr," in said) is named
    assert "lower optimizer.lr, add scheduler.warmup, or clip" in said


BRIEF = ("epochs=3", "trainer=cpu", "trainer.threads=1", "flush_every=1000")


def test_steps_between_a_row_and_the_checkpoint_are_counted(
    job_of: Callable[..., Job], tmp_path: Path, cut_off: Callable[..., None]
) -> None:
    words = (*BRIEF, "checkpoint_seconds=1e-9")  # one after each step, and no row until an epoch ends
    whole = run(job_of(*words, folder=tmp_path / "whole"))
    job = job_of(*words)
    cut_off(job, 20, "on_train_batch_start")
    first = Report.load(job.folder).attempts[0]
    report = run(job)
    assert (first.last_step, report.attempts[1].from_step) == (20, 20)
    assert first.seconds > 0
    assert report.cost.seconds == sum(attempt.seconds for attempt in report.attempts) > report.attempts[1].seconds
    assert report.cost.wall_seconds >= sum(attempt.wall_seconds for attempt in report.attempts)
    assert report.cost.training_multiply_adds == whole.cost.training_multiply_adds


def test_the_times_of_a_run_that_another_starts_from_are_not_its_own(
    job_of: Callable[..., Job], tmp_path: Path
) -> None:
    source = run(job_of(*BRIEF, "target=0.2", folder=tmp_path / "source"))
    assert source.speed.seconds_to_target is not None
    ckpt = f"ckpt={tmp_path / 'source' / 'checkpoints' / 'last.ckpt'}"
    report = run(job_of(*BRIEF[1:], "epochs=4", "target=1.0", ckpt, folder=tmp_path / "longer"))
    assert report.speed.seconds_to_target is None
    assert report.attempts[0].from_step == source.attempts[0].last_step
    (row,) = read_rows(tmp_path / "longer" / "metrics.csv")
    assert float(row["seconds"]) == pytest.approx(report.cost.seconds, abs=0.01)


def test_what_ended_the_run_that_another_starts_from_does_not_end_this_one(
    job_of: Callable[..., Job], tmp_path: Path
) -> None:
    words = (*BRIEF, "stopping=[wall_time]")  # which looks at its clock where an epoch ends
    source = run(job_of(*words, "stopping.wall_time.minutes=1e-7", folder=tmp_path / "source"))
    assert source.attempts[0].last_step == 17
    ckpt = f"ckpt={tmp_path / 'source' / 'checkpoints' / 'last.ckpt'}"
    report = run(job_of(*words, "stopping.wall_time.minutes=1e-7", ckpt, folder=tmp_path / "longer"))
    assert (report.attempts[0].from_step, report.attempts[0].last_step) == (17, 34), "one row, by its own clock"


def test_what_averages_are_shown_by_is_no_training(job_of: Callable[..., Job], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("temper.training.shown_weights.recompute_statistics", lambda *_: time.sleep(3))
    report = run(job_of("epochs=1", "averaging=ema", "trainer=cpu", "trainer.threads=1"))
    assert report.cost.seconds < 3 < report.cost.wall_seconds


def test_what_checkpoints_take_is_no_training(job_of: Callable[..., Job], monkeypatch: pytest.MonkeyPatch) -> None:
    save = Trainer.save_checkpoint

    def slowly(*arguments: Any, **named: Any) -> None:
        time.sleep(2)
        save(*arguments, **named)

    monkeypatch.setattr(Trainer, "save_checkpoint", slowly)
    report = run(job_of("epochs=1", "trainer=cpu", "trainer.threads=1"))  # its best, and its last
    assert report.cost.seconds < 2 < 4 < report.cost.wall_seconds


def test_what_a_device_was_given_to_do_is_waited_for(
    job_of: Callable[..., Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once before each validation, before and after the best is saved, and at the end."""
    asked: list[torch.device] = []
    monkeypatch.setattr("temper.training.recorder.synchronize", asked.append)
    run(job_of("epochs=2", "trainer=cpu", "trainer.threads=1"))
    assert len(asked) == 2 * (1 + 2) + 1


def test_a_step_of_two_passes_costs_twice(job_of: Callable[..., Job], tmp_path: Path) -> None:
    words = ("epochs=1", "trainer=cpu", "debug=steps")
    once = run(job_of("optimizer=sgd", *words, folder=tmp_path / "once"))
    twice = run(job_of("optimizer=sam", "optimizer@optimizer.base=sgd", *words, folder=tmp_path / "twice"))
    assert twice.cost.training_multiply_adds == 2 * once.cost.training_multiply_adds


@pytest.mark.parametrize("around", ["", "lookahead"])
def test_products_of_the_optimizer_count_once_a_step(job_of: Callable[..., Job], tmp_path: Path, around: str) -> None:
    words = ("epochs=1", "trainer=cpu", "debug=steps")
    muon = ("optimizer=lookahead", "optimizer@optimizer.base=muon") if around else ("optimizer=muon",)
    plain = run(job_of("optimizer=sgd", *words, folder=tmp_path / "plain"))
    turned = run(job_of(*muon, *words, folder=tmp_path / "turned"))
    assert plain.cost.training_multiply_adds is not None
    assert turned.cost.training_multiply_adds is not None
    steps = turned.attempts[0].last_step
    of_a_step = 5 * (2 * (2 * 64**2 * 128 + 64**3) + 2 * 10**2 * 64 + 10**3)  # 128 x 64, 64 x 128 and 10 x 64
    assert turned.cost.training_multiply_adds - plain.cost.training_multiply_adds == steps * of_a_step > 0


OF_VALUES = ("task=linear_regression", "data=diabetes", "trainer=cpu", "trainer.threads=1")


def errors(folder: Path) -> list[str]:
    return [row["train/rmse"] for row in read_rows(folder / "metrics.csv")]


def test_the_running_error_of_a_regression_is_in_the_targets_own_units(job_of: Callable[..., Job]) -> None:
    scaled = ("preprocessing=[standardize]", "preprocessing.standardize.target=true", "loss=huber", "penalty=[l2]")
    job = job_of(*OF_VALUES, *scaled, "epochs=2", "optimizer.lr=1e-12")  # which moves nothing
    report = run(job)
    expected = report.metrics["train/rmse"]
    assert expected is not None
    assert expected > 10
    assert [float(error) for error in errors(job.folder)] == pytest.approx([expected] * 2, rel=1e-5)


def test_the_running_error_is_resumed_to_the_bit(
    job_of: Callable[..., Job], tmp_path: Path, cut_off: Callable[..., None]
) -> None:
    words = (*OF_VALUES, "preprocessing=[standardize]", "epochs=2", "flush_every=4", "checkpoint_seconds=1e-9")
    run(job_of(*words, folder=tmp_path / "whole"))
    job = job_of(*words)
    cut_off(job, 6, "on_train_batch_start")  # two steps after a row
    run(job)
    assert errors(job.folder) == errors(tmp_path / "whole")
    assert all(errors(job.folder))
