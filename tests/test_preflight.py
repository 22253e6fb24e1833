"""What is looked at before a run makes anything: ``ckpt``, teachers, and how the processes were started."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from temper.command.job import Job
from temper.report.record import Report
from temper.run import run
from temper.trainer.machine import rank, started_outside

WORDS = ("epochs=2", "trainer=cpu", "trainer.threads=1")
OF_PROCESSES = (
    "RANK",
    "LOCAL_RANK",
    "NODE_RANK",
    "SLURM_PROCID",
    "SLURM_NTASKS",
    "TORCHELASTIC_RUN_ID",
    "WORLD_SIZE",
)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("trained")


def first(trained: Path, job_of: Callable[..., Job]) -> Path:
    if not (trained / "report.json").exists():
        run(job_of(*WORDS, folder=trained))
    return trained / "checkpoints" / "last.ckpt"


def test_ckpt_goes_on_as_if_the_run_had_been_longer(trained: Path, job_of: Callable[..., Job], tmp_path: Path) -> None:
    file = first(trained, job_of)
    words = ("epochs=4", *WORDS[1:])
    run(job_of(*words, folder=tmp_path / "whole"))
    report = run(job_of(*words, f"ckpt={file}", folder=tmp_path / "longer"))
    assert report.state == "finished"
    assert report.attempts[0].from_step == 34
    one, other = (
        torch.load(tmp_path / name / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
        for name in ("whole", "longer")
    )
    assert all(torch.equal(one[key], other[key]) for key in one)
    assert (tmp_path / "longer" / "checkpoints" / "best.ckpt").exists()


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("epochs=4", "task.hidden=[32]"), "another network"),
        (("epochs=4", "optimizer=adam"), "another optimizer"),
        (("epochs=4", "groups=all"), "other groups"),
        (("epochs=4", "scheduler=plateau"), "scheduler=plateau"),
        (("epochs=2",), "epochs=2"),
    ],
)
def test_ckpt_of_another_run_is_refused(
    words: tuple[str, ...],
    named: str,
    trained: Path,
    job_of: Callable[..., Job],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = first(trained, job_of)
    capsys.readouterr()
    job = job_of(*words, *WORDS[1:], f"ckpt={file}", folder=tmp_path / "run")
    with pytest.raises(SystemExit) as ended:
        run(job)
    assert ended.value.code == 2
    assert named in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_a_file_that_is_no_checkpoint_is_refused(
    job_of: Callable[..., Job], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.ckpt").write_text("no")
    with pytest.raises(SystemExit):
        run(job_of(*WORDS, f"ckpt={tmp_path / 'a.ckpt'}"))
    assert "no checkpoint" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("data.test=0.3",), "other data"),
        (("preprocessing=[]",), "preprocessing"),
    ],
)
def test_teachers_see_what_the_student_sees(
    words: tuple[str, ...],
    named: str,
    trained: Path,
    job_of: Callable[..., Job],
    capsys: pytest.CaptureFixture[str],
) -> None:
    first(trained, job_of)
    capsys.readouterr()
    with pytest.raises(SystemExit):
        run(job_of(*WORDS, "distillation=[logits]", f"distillation.logits.teacher={trained}", *words))
    assert named in capsys.readouterr().err


@pytest.mark.parametrize("precision", ["64-true", "bf16-true", "bf16-mixed"])
def test_distils_in_any_precision(precision: str, trained: Path, job_of: Callable[..., Job]) -> None:
    first(trained, job_of)
    teacher = f"distillation.logits.teacher={trained}"
    report = run(job_of(*WORDS, f"precision={precision}", "distillation=[logits]", teacher))
    assert report.state == "finished"


def test_a_finished_run_is_told_even_without_its_teacher(
    trained: Path, job_of: Callable[..., Job], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first(trained, job_of)
    teacher = tmp_path / "teacher"
    run(job_of(*WORDS, folder=teacher))
    job = job_of(*WORDS, "distillation=[logits]", f"distillation.logits.teacher={teacher}")
    run(job)
    teacher.rename(tmp_path / "gone")
    (job.folder / "report.html").unlink()
    assert run(job).state == "finished"
    assert "nothing to train" in capsys.readouterr().out
    assert (job.folder / "report.html").exists()
    assert len(Report.load(job.folder).attempts) == 1


def test_which_process_this_is(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in OF_PROCESSES:
        monkeypatch.delenv(name, raising=False)
    assert rank() == 0
    assert not started_outside()
    monkeypatch.setenv("SLURM_PROCID", "3")
    assert rank() == 3
    monkeypatch.setenv("LOCAL_RANK", "1")  # Lightning's own child, in a shell that SLURM gave
    assert rank(2) == 1
    monkeypatch.setenv("NODE_RANK", "1")
    assert rank(2) == 3
    monkeypatch.setenv("RANK", "5")
    assert rank(2) == 5
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "none")
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert started_outside()


def test_several_processes_need_a_trainer_for_several(
    job_of: Callable[..., Job], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "none")
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(SystemExit):
        run(job_of("trainer=cpu"))
    assert "trainer=ddp" in capsys.readouterr().err
