"""A run that is left off and gone on with: as one that never was, to the bit; nothing is tested before its end."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from temper.command.job import Job
from temper.refusal import Refusal
from temper.report.record import Report, Score
from temper.run import run
from temper.training.metrics_file import read_rows

BRIEF = ("epochs=4", "batch_size=300", "trainer=cpu", "trainer.threads=1", "flush_every=2")  # 4 steps an epoch


def steps(folder: Path) -> list[str]:
    return [line.split(",")[0] for line in (folder / "metrics.csv").read_text().splitlines()]


@pytest.mark.parametrize(
    "words",
    [
        "optimizer=adam scheduler=one_cycle augmentation=[mixup] pruning=magnitude",
        "averaging=swa averaging.start=1epochs scheduler=plateau scheduler.patience=0 scheduler.threshold=0.9",
        "batch_growth=multiply batch_growth.every=1 sampling=poisson averaging=ema accumulate=2",
        # It stops after 4 epochs.
        "epochs=8 validate_every=2 stopping=[patience] stopping.patience.validations=1 optimizer.lr=1e-9",
    ],
)
def test_goes_on(words: str, job_of: Callable[..., Job], tmp_path: Path) -> None:
    typed = (*BRIEF, *words.split())
    whole = job_of(*typed, folder=tmp_path / "whole")
    report = run(whole)
    places = [2] if "validate_every=2" in typed else [1, 3]
    for pause in (*places, "test"):
        job = job_of(*typed, f"pause={pause}")
        left = run(job)
        kept = torch.load(job.folder / "checkpoints" / "last.ckpt", weights_only=True)
        if pause != "test":
            assert kept["epoch"] == pause
        assert left.state == Report.load(job.folder).state == "paused"
        assert left.digest == report.digest
        assert not any(name.startswith("test/") for name in left.metrics)
        assert not (job.folder / "report.html").exists()
        assert "pause" not in (job.folder / "config.yaml").read_text()
    ended = run(job_of(*typed))
    for name in ("last", "best"):
        one, other = (
            torch.load(folder / "checkpoints" / f"{name}.ckpt", weights_only=True)["state_dict"]
            for folder in (whole.folder, job.folder)
        )
        assert all(torch.equal(one[key], other[key]) for key in one), name
    assert ended.state == "finished"
    assert ended.metrics == report.metrics
    assert ended.stopped == report.stopped
    assert steps(whole.folder) == steps(job.folder)
    trained = [sum(attempt.examples for attempt in each.attempts) for each in (report, ended)]
    assert trained[0] == trained[1] > 0
    assert ended.notes == report.notes


def test_score_is_that_of_the_best_so_far(job_of: Callable[..., Job], capsys: pytest.CaptureFixture[str]) -> None:
    """At a rate that is far too high, accuracy falls and rises."""
    typed = (*BRIEF, "epochs=9", "optimizer=sgd", "optimizer.lr=3.0")
    first = run(job := job_of(*typed, "pause=8")).score
    seen = [float(row["val/accuracy"]) for row in read_rows(job.folder / "metrics.csv") if row["val/accuracy"]]
    assert len(seen) == 8
    assert seen != sorted(seen)
    assert first == Score("val/accuracy", max(seen), "max")
    assert f"not tested: best val/accuracy so far {max(seen):.4f}" in capsys.readouterr().out
    assert run(job).score == first  # it is there already: nothing is trained
    ended = run(job_of(*typed))
    seen = [float(row["val/accuracy"]) for row in read_rows(job.folder / "metrics.csv") if row["val/accuracy"]]
    assert len(seen) == 9
    assert seen[-1] < max(seen) == ended.metrics["val/accuracy"], "the best is what is tested, and not the last"
    assert ended.score == Score("val/accuracy", max(seen), "max")


def test_goes_on_where_the_pause_was_not_said(job_of: Callable[..., Job], monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed between the last checkpoint and the report, a run that is asked to pause there trains no further."""
    with monkeypatch.context() as patched:
        patched.setattr("temper.run.Score", lambda **_: (_ for _ in ()).throw(InterruptedError))
        with pytest.raises(InterruptedError):
            run(job_of(*BRIEF, "pause=1"))
    report = run(job_of(*BRIEF, "pause=1"))
    assert report.state == "paused"
    assert report.score is not None
    assert report.score.value is not None
    assert [attempt.last_step for attempt in report.attempts] == [4, 4]


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("pause=4",), r"pause=4.*epochs=4.*pause=test"),
        (("pause=3", "validate_every=2"), r"pause=3.*validate_every=2.*multiple"),
        (("pause=1", "data.validation=0"), r"pause=1.*data\.validation=0"),
        (("pause=test", "data.validation=0"), r"pause=test.*data\.validation=0"),
        (("pause=0",), r"pause=0: must be > 0"),
        (("pause=later",), r"pause=later: must be .*'test'"),
    ],
)
def test_refuses(words: tuple[str, ...], named: str, job_of: Callable[..., Job]) -> None:
    with pytest.raises(Refusal, match=named):
        job_of(*BRIEF, *words)
