"""What does not go with a low rank is refused with the key, the bound and the way out, before any work."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from tests.low_rank.conftest import rank_of

from temper.command.job import Job
from temper.range_test import left_out
from temper.run import run

LOW = "low_rank=truncated_svd"
SHORT = ("trainer=cpu", "trainer.threads=1", "epochs=2", "batch_size=300", "task.hidden=[32,16]")
REFUSED = [
    ("low_rank.rank=1.0", ("low_rank.rank=1.0", "whole number", "< 1")),
    ("low_rank.energy=0.9", ("low_rank.rank and energy both say", "set one of them to null")),
    ("low_rank.ranks=4", ("low_rank.ranks", "did you mean rank?")),
    # 43 (128 + 64) is more than 128 · 64 = 8,192, and 42 (128 + 64) is less.
    ("low_rank.rank=43", ("low_rank.rank=43", "hidden.linear1 (rank 43 of 128 x 64)", "lower low_rank.rank")),
    ("task=linear_regression", (LOW, "task=linear_regression", "low_rank=none", "task=mlp task.hidden=[64]")),
    ("task.hidden=[]", (LOW, "task=mlp", "low_rank=none", "task.hidden=[64]")),
    *(
        (f"pruning={name}", (LOW, f"pruning={name}", "pruning=none", "pruning=channels"))
        for name in ("magnitude", "n_m")
    ),
    ("precision=bf16-true", (LOW, "precision=bf16-true", "8 bits", "precision=bf16-mixed")),
    ("optimizer=schedule_free_sgd", ("optimizer=schedule_free_sgd", LOW, "low_rank=none")),
    ("transfer=checkpoint transfer.run=a/run transfer.freeze=1", ("transfer.freeze", LOW, "low_rank=none", "=null")),
]


@pytest.mark.parametrize(("words", "named"), REFUSED, ids=[words for words, _ in REFUSED])
def test_names_key_and_way_out(words: str, named: tuple[str, ...], refusal_of: Callable[..., str]) -> None:
    said = refusal_of(LOW, *words.split())
    assert all(word in said for word in named), said


def test_just_inside_is_taken(job_of: Callable[..., Job]) -> None:
    report = run(job_of(LOW, "trainer=cpu", "epochs=1", "batch_size=full", "low_rank.rank=42"))
    assert report.complexity.parameters == 2 * 42 * (128 + 64) + 64 * 10 + 128 + 64 + 10


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("before")


def checkpoint(before: Path, job_of: Callable[..., Job]) -> Path:
    """Return the last checkpoint of a run whose layers were cut to rank 4 and 8."""
    if not (before / "report.json").exists():
        run(job_of(*SHORT, LOW, folder=before))
    return before / "checkpoints" / "last.ckpt"


@pytest.mark.parametrize(
    ("after", "named"),
    [
        ("", ("and not to low_rank=none: set the same",)),
        (f"{LOW} low_rank.rank=8", ("and not to low_rank.rank=8 low_rank.convolution=channel",)),
        (f"{LOW} low_rank.rank=null low_rank.energy=0.9", ("and not to low_rank.energy=0.9",)),
    ],
)
def test_a_checkpoint_of_another_rank_is_not_gone_on_with(
    after: str,
    named: tuple[str, ...],
    before: Path,
    job_of: Callable[..., Job],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = checkpoint(before, job_of)
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        run(job_of(*SHORT, "epochs=4", *after.split(), f"ckpt={file}"))
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert f"ckpt={file} is of a network whose layers were cut to low_rank.rank=0.25" in said
    assert all(word in said for word in named), said
    assert not (tmp_path / "run").exists()


def test_a_way_to_cut_convolutions_wants_some(
    job_of: Callable[..., Job], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for more in ((), ("low_rank.rank=null", "low_rank.energy=0.9")):
        with pytest.raises(SystemExit) as ended:
            run(job_of(*SHORT, LOW, "low_rank.convolution=spatial", *more))
        assert ended.value.code == 2
        said = capsys.readouterr().err
        assert "low_rank.convolution=spatial says how convolutions are cut, and this network has none" in said
        assert not (tmp_path / "run").exists()


def test_a_checkpoint_of_the_same_rank_is_gone_on_with_at_it(
    before: Path, job_of: Callable[..., Job], tmp_path: Path
) -> None:
    file = checkpoint(before, job_of)
    words = ("epochs=4", "low_rank.start=1.0", "stopping=[wall_time]", "stopping.wall_time.minutes=1e-9")
    report = run(job_of(*SHORT, LOW, *words, "flush_every=1", f"ckpt={file}"))
    assert (report.attempts[0].from_step, report.attempts[0].last_step) == (8, 9)
    kept = torch.load(tmp_path / "run" / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
    assert rank_of(kept["network.hidden.linear1.weight"]) == 8  # long before this run would have cut it


def test_one_that_was_not_cut_yet_may_be_gone_on_with_in_another_way(
    job_of: Callable[..., Job], tmp_path: Path
) -> None:
    run(job_of(*SHORT, LOW, "pause=1", "low_rank.start=0.9", folder=tmp_path / "paused"))
    file = tmp_path / "paused" / "checkpoints" / "last.ckpt"
    report = run(job_of(*SHORT, LOW, "low_rank.rank=2", f"ckpt={file}"))
    assert any("two each, of rank 2" in note for note in report.notes)


@pytest.mark.parametrize(("after", "told"), [("low_rank=none", True), (LOW, False)])
def test_what_was_cut_is_told_of_on_transfer(after: str, told: bool, before: Path, job_of: Callable[..., Job]) -> None:
    checkpoint(before, job_of)
    report = run(job_of(*SHORT, after, "transfer=checkpoint", f"transfer.run={before}"))
    assert any("was cut to a low rank, and with low_rank=none its layers are whole" in e for e in report.notes) == told


def test_a_range_test_leaves_it_out(job_of: Callable[..., Job]) -> None:
    assert LOW in " ".join(left_out(job_of(LOW).experiment))
