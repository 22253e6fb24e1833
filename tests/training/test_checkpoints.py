"""A damaged checkpoint is passed over; a folder is used by one process; metrics rows after a checkpoint go."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from temper.command.job import Job
from temper.refusal import InUse, Refusal
from temper.report.record import Report
from temper.run import run
from temper.training.checkpoints import last_good
from temper.training.folder import Folder, differences
from temper.training.metrics_file import MetricsFile


def test_last_good(tmp_path: Path) -> None:
    assert last_good(tmp_path) is None
    torch.save({"a": 1}, tmp_path / "previous.ckpt")
    torch.save({"a": 2}, tmp_path / "last.ckpt")
    assert last_good(tmp_path) == tmp_path / "last.ckpt"
    whole = (tmp_path / "last.ckpt").read_bytes()
    (tmp_path / "last.ckpt").write_bytes(whole[: len(whole) // 2])
    assert last_good(tmp_path) == tmp_path / "previous.ckpt"


def test_goes_on_from_the_previous_one(
    job_of: Callable[..., Job], tmp_path: Path, cut_off: Callable[..., None]
) -> None:
    words = ("epochs=2", "checkpoint_seconds=1e-9", "trainer=cpu", "flush_every=3")
    run(job_of(*words, folder=tmp_path / "whole"))
    weights = torch.load(tmp_path / "whole" / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
    job = job_of(*words)
    cut_off(job, 20, "on_train_batch_start")
    (job.folder / "checkpoints" / "last.ckpt").write_bytes(b"damaged")
    run(job_of(*words))
    assert Report.load(job.folder).attempts[1].from_step == 19
    again = torch.load(job.folder / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
    assert all(torch.equal(weights[key], again[key]) for key in weights)


def test_folder_is_one_processes_own(tmp_path: Path) -> None:
    first = Folder(tmp_path / "run")
    first.enter({"a": 1})
    code = (
        "from pathlib import Path; from temper.training.folder import Folder; import sys\n"
        "try: Folder(Path(sys.argv[1])).enter({'a': 1})\n"
        "except ValueError as fault: print(fault)"
    )
    said = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "run")], capture_output=True, text=True, check=True
    ).stdout
    assert "in use by another process" in said
    first.leave()
    again = Folder(tmp_path / "run")
    again.enter({"a": 1})
    again.leave()


def test_other_settings_are_refused_but_for_the_machine(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.enter({"optimizer": {"lr": 1}, "trainer": {"threads": 1}, "data": {"root": "a"}})
    folder.leave()
    with pytest.raises(Refusal, match=r"optimizer\.lr=2 here, 1 there: name another folder"):
        Folder(tmp_path).enter({"optimizer": {"lr": 2}, "trainer": {"threads": 1}, "data": {"root": "a"}})
    other = {"optimizer": {"_target_": "temper.optimizer.adam.Adam"}, "data": {}, "penalty": {"l1": {"alpha": 1}}}
    said = "penalty=given here, null there; optimizer.lr=null here, 1 there; optimizer=adam here, null there"
    with pytest.raises(Refusal) as refused:
        Folder(tmp_path).enter(other)
    assert all(each in str(refused.value) for each in said.split("; ")), str(refused.value)
    moved = Folder(tmp_path)
    moved.enter({"optimizer": {"lr": 1}, "trainer": {"threads": 2}, "data": {"root": "b"}})
    assert moved.changed == ["trainer.threads", "data.root"]
    moved.leave()


def test_a_folder_of_images_is_its_root(tmp_path: Path) -> None:
    data = {"_target_": "temper.data.image_folder.ImageFolder", "root": "a", "workers": 1}
    folder = Folder(tmp_path)
    folder.enter({"data": data})
    folder.leave()
    Folder(tmp_path).check({"data": data | {"workers": 2}})
    Folder(tmp_path).check({"data": data | {"root": "./a/"}})
    with pytest.raises(Refusal, match=r"data\.root=\S+/b here, \S+/a there"):
        Folder(tmp_path).check({"data": data | {"root": "b"}})


def test_a_folder_that_another_process_has_just_taken_is_in_use(tmp_path: Path) -> None:
    """Between its first look and the lock a run prepares its data and network, for seconds."""
    slow, quick = Folder(tmp_path), Folder(tmp_path)
    slow.check({"a": 1})
    quick.enter({"a": 2})
    quick.leave()
    with pytest.raises(InUse, match="was taken by another process just now"):
        slow.enter({"a": 1})


def test_a_run_that_another_process_has_just_finished_is_not_begun_again(
    job_of: Callable[..., Job], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("debug=steps", "trainer=cpu")
    report = run(job_of(*words))
    report.state = "running"
    report.save(job_of(*words).folder)
    honest = Folder.enter

    def late(folder: Folder, config: dict[str, Any]) -> None:
        honest(folder, config)
        report.state = "finished"
        report.save(folder.path)

    monkeypatch.setattr(Folder, "enter", late)
    with pytest.raises(SystemExit) as ended:
        run(job_of(*words))
    assert ended.value.code == InUse.status
    assert "was finished by another process just now" in capsys.readouterr().err


def test_keys_with_dots_and_values_like_interpolations_are_told(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("loss: {class_weights: {a.b: 1, c: x}}\n")
    with pytest.raises(
        Refusal, match=r"class_weights\.a\.b=2 here, 1 there; loss\.class_weights\.c=\$\{nowhere\} here"
    ):
        Folder(tmp_path).check({"loss": {"class_weights": {"a.b": 2, "c": "${nowhere}"}}})


def test_differences() -> None:
    assert differences({"a": {"b": 1, "c": 2}, "d": [1]}, {"a": {"b": 1, "c": 3}, "e": 0}) == ["a.c", "d", "e"]


def test_what_came_later_and_does_nothing_is_no_difference() -> None:
    privacy = {"_target_": "temper.privacy.none.NoPrivacy"}
    before, now = {"a": {"b": 1}}, {"a": {"b": 1, "c": None}, "privacy": privacy, "penalty": {}}
    assert differences(before, now) == differences(now, before) == []
    assert differences(before, {"a": {"b": 1, "c": 0}}) == ["a.c"]
    assert differences({"a": 1}, {"a": None}) == ["a"]
    assert differences(before, {**before, "privacy": {"_target_": "temper.privacy.dp_sgd.DPSGD"}}) == ["privacy"]


def test_metrics_file(tmp_path: Path) -> None:
    made = MetricsFile(tmp_path / "metrics.csv")
    made.append({"step": 1, "train/loss": 2.0})
    made.append({"step": 2, "train/loss": 1.0, "val/loss": 3.0})
    made.append({"step": 3, "train/loss": 0.5})
    assert made.path.read_text().splitlines() == ["step,train/loss,val/loss", "1,2.0,", "2,1.0,3.0", "3,0.5,"]
    with made.path.open("a") as file:
        file.write("4,0.")  # a kill cut the row short
    again = MetricsFile(made.path)
    again.rewind(2)
    again.append({"step": 3, "train/loss": 0.7})
    assert made.path.read_text().splitlines() == ["step,train/loss,val/loss", "1,2.0,", "2,1.0,3.0", "3,0.7,"]


def test_a_loss_that_is_no_number_ends_the_run(job_of: Callable[..., Job], capsys: pytest.CaptureFixture[str]) -> None:
    job = job_of("task=linear_regression", "optimizer.lr=1e30", "epochs=3")
    with pytest.raises(SystemExit) as ended:
        run(job)
    assert ended.value.code == 1
    assert "optimizer.lr" in capsys.readouterr().err
    assert Report.load(job.folder).state == "failed"
    assert Report.load(job.folder).attempts[0].last_step > 0
