"""What is looked at before a run makes anything: ``ckpt``, teachers, and how the processes were started."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from temper.command.job import Job
from temper.report.record import Report
from temper.run import run

WORDS = ("epochs=2", "trainer=cpu", "trainer.threads=1")


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


def test_the_best_of_an_attempt_without_a_checkpoint_to_go_on_from_is_forgotten(
    trained: Path, job_of: Callable[..., Job], tmp_path: Path, cut_off: Callable[..., None]
) -> None:
    """Each attempt begins from ``ckpt`` anew, and its best is its own, also where that is worse."""
    file = first(trained, job_of)
    words = ("epochs=4", *WORDS[1:], f"ckpt={file}")
    whole = run(job_of(*words, folder=tmp_path / "whole"))
    job = job_of(*words)
    cut_off(job, 40, "on_train_batch_start")
    best = job.folder / "checkpoints" / "best.ckpt"
    assert not (job.folder / "checkpoints" / "last.ckpt").exists()
    best.parent.mkdir(exist_ok=True)
    best.write_text("of the attempt that was killed")
    report = run(job)
    assert (report.score, report.metrics) == (whole.score, whole.metrics)
    assert torch.load(best, weights_only=True)["state_dict"]


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("epochs=4", "task.hidden=[32]"), "another network"),
        (("epochs=4", "optimizer=adam"), "another optimizer"),
        (("epochs=4", "groups=all"), "other groups"),
        (("epochs=4", "scheduler=plateau"), "scheduler=plateau"),
        (("epochs=2",), "has 2 epochs behind it: raise epochs=2 above that"),
        (("epochs=1",), "has 2 epochs behind it: raise epochs=1 above that"),
        (("epochs=4", "batch_size=100"), "34 steps behind it, in epochs of other lengths"),
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


def test_ckpt_is_a_file(refusal_of: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    said = refusal_of(f"ckpt={tmp_path / 'mine'}")
    assert "mine is a folder: name a file, that of a run is " in said
    assert f"{tmp_path / 'mine'}/checkpoints/last.ckpt" in said


PLATEAU = "scheduler=plateau scheduler.patience=0 scheduler.threshold=9 scheduler.threshold_mode=abs"  # always falls


@pytest.mark.parametrize(
    ("before", "after", "named"),
    [
        (PLATEAU, "scheduler=cosine", "lower the rate to 0.1 times.*scheduler=cosine would begin with all"),
        ("averaging=ema", "", "averages of averaging=ema, which averaging=none would mistake"),
        (
            "averaging=ema",
            "averaging=swa averaging.start=0",
            "averages of averaging=ema, which averaging=swa would mistake",
        ),
        ("pruning=magnitude", "", "pruning=none"),
    ],
)
def test_what_a_checkpoint_holds_is_not_dropped(
    before: str, after: str, named: str, job_of: Callable[..., Job], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(job_of(*WORDS, *before.split(), folder=tmp_path / "before"))
    file = f"ckpt={tmp_path / 'before' / 'checkpoints' / 'last.ckpt'}"
    capsys.readouterr()
    with pytest.raises(SystemExit):
        run(job_of(*WORDS, "epochs=3", *after.split(), file))
    assert re.search(named, capsys.readouterr().err)
    assert run(job_of(*WORDS, "epochs=3", *before.split(), file, folder=tmp_path / "same")).state == "finished"


@pytest.mark.parametrize(
    ("before", "after", "named"),
    [
        ("flush_every=1 stopping=[wall_time] stopping.wall_time.minutes=1e-9", "", "left in the midst of an epoch by"),
        ("checkpoint_seconds=1e-9", "accumulate=2", "whose batches were cut otherwise than by accumulate=2"),
    ],
)
def test_a_checkpoint_in_the_midst_of_an_epoch(
    before: str,
    after: str,
    named: str,
    job_of: Callable[..., Job],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    cut_off: Callable[..., None],
) -> None:
    job = job_of(*WORDS, *before.split(), folder=tmp_path / "before")
    if "stopping" in before:
        run(job)
    else:
        cut_off(job, 5, "on_train_batch_start")
    file = f"ckpt={tmp_path / 'before' / 'checkpoints' / 'last.ckpt'}"
    capsys.readouterr()
    with pytest.raises(SystemExit):
        run(job_of(*WORDS, "epochs=3", *after.split(), file))
    assert named in capsys.readouterr().err


def test_a_schedule_that_has_lowered_nothing_may_be_left(job_of: Callable[..., Job], tmp_path: Path) -> None:
    run(job_of(*WORDS, "scheduler=plateau", folder=tmp_path / "before"))
    file = tmp_path / "before" / "checkpoints" / "last.ckpt"
    assert run(job_of(*WORDS, "epochs=3", "scheduler=cosine", f"ckpt={file}")).state == "finished"


def test_knobs_of_the_optimizer_are_this_runs(trained: Path, job_of: Callable[..., Job], tmp_path: Path) -> None:
    file = first(trained, job_of)
    knobs = ("optimizer.lr=1e-12", "optimizer.momentum=0.5", "optimizer.weight_decay=0.25")
    run(job_of("epochs=3", *WORDS[1:], *knobs, f"ckpt={file}", folder=tmp_path / "slow"))
    before, after = (
        torch.load(path, weights_only=True) for path in (file, tmp_path / "slow" / "checkpoints" / "last.ckpt")
    )
    for key, weight in before["state_dict"].items():
        torch.testing.assert_close(after["state_dict"][key], weight, rtol=0, atol=1e-8)
    group = after["optimizer_states"][0]["param_groups"][0]
    assert (group["lr"], group["momentum"], group["weight_decay"]) == (1e-12, 0.5, 0.25)


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
        (("data.imbalance=5",), "preprocessing was fitted on other examples"),
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


RECIPE = "defaults:\n  - override /optimizer: sgd\n  - _self_\nepochs: 1\nbatch_size: 100\n"


@pytest.mark.parametrize(
    "named",
    [("distillation=[logits]", "distillation.logits.teacher=recipe:example/teacher"),
     ("transfer=checkpoint", "transfer.run=recipe:example/teacher")],
    ids=["teaches", "is begun from"],
)  # fmt: skip
def test_a_recipe_stands_for_its_own_run_alone(
    named: tuple[str, ...],
    kitchen: Callable[[str, str], None],
    job_of: Callable[..., Job],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    kitchen("example/teacher", RECIPE)
    place = tmp_path / "outputs" / "example" / "teacher"
    words = (*WORDS, *named)

    def refused() -> str:
        with pytest.raises(SystemExit):
            run(job_of(*words, folder=tmp_path / "student"))
        assert not (tmp_path / "student").exists()
        return capsys.readouterr().err

    train = "python train.py recipe=example/teacher hydra.run.dir=outputs/example/teacher"
    assert f"{train}" in refused()
    for other in ("debug=steps", "optimizer.lr=0.123"):
        run(job_of("recipe=example/teacher", other, *WORDS[1:], folder=place))
        capsys.readouterr()
        assert re.search(f"no finished run of the recipe as it is today: delete it .* {train}", refused())
        shutil.rmtree(place)
    run(job_of("recipe=example/teacher", "seed=3", *WORDS[1:], folder=place))
    assert run(job_of(*words, folder=tmp_path / "student")).state == "finished"
    shutil.rmtree(tmp_path / "student")
    kitchen("example/teacher", RECIPE.replace("sgd", "adam"))
    assert "no finished run of the recipe as it is today" in refused()


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
