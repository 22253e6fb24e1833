import json
from pathlib import Path
from typing import Any

import pytest
import torch
from omegaconf import OmegaConf
from tests.conftest import write_photos
from tests.scripts.conftest import load

from temper.data.cifar10 import CIFAR10
from temper.data.line import Line
from temper.report.record import Report

evaluate = load("evaluate")


def answer(capsys: pytest.CaptureFixture[str], *words: object) -> dict[str, Any]:
    capsys.readouterr()
    evaluate.main([*map(str, words), "--json"])
    found: dict[str, Any] = json.loads(capsys.readouterr().out.splitlines()[-1])
    return found


def test_a_regression_is_measured_in_its_own_units(
    train: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train("task=linear_regression", "preprocessing=[standardize]", "preprocessing.standardize.target=true", "epochs=2")
    checkpoint = torch.load(tmp_path / "run/checkpoints/best.ckpt", weights_only=True)
    weight, bias = (checkpoint["state_dict"][key].flatten().double() for key in sorted(checkpoint["state_dict"])[::-1])
    splits = Line(
        examples=100,
        slope=3.0,
        intercept=2.0,
        noise=1.0,
        grid=False,
        seed=0,
        validation=0.2,
        test=0.2,
        drop_last=False,
    ).splits()
    inputs, targets = splits.train.inputs.double().flatten(), splits.train.targets.double()
    scaled = (splits.test.inputs.double().flatten() - inputs.mean()) / inputs.std(correction=0)
    prediction = (scaled * weight + bias) * targets.std(correction=0) + targets.mean()
    rmse = (prediction - splits.test.targets.double()).square().mean().sqrt().item()

    found = answer(capsys, tmp_path / "run")

    assert found["metrics"]["test/rmse"] == pytest.approx(rmse, rel=1e-5)
    assert found["examples"] == 20
    assert found["report"] == {"test/rmse": pytest.approx(rmse, rel=1e-5)}


def test_each_split_agrees_with_the_report(train: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report: Report = train("task=mlp", "epochs=1")
    for split in ("test", "val", "train"):
        found = answer(capsys, tmp_path / "run", "--split", split)
        expected = {name: value for name, value in report.metrics.items() if name.startswith(f"{split}/")}
        assert found["metrics"] == pytest.approx(expected, abs=1e-6)
    assert found["per_class"].keys() == report.per_class.keys()

    evaluate.main([str(tmp_path / "run")])
    said = capsys.readouterr().out
    value = f"{report.metrics['test/accuracy']:.4f}"
    assert f"test/accuracy: report.json says {value}; here {value}" in said
    assert "worst class: " in said

    evaluate.main([str(tmp_path / "run/checkpoints/last.ckpt")])
    assert "report.json says nothing of this checkpoint" in capsys.readouterr().out


def test_images_pass_through_the_preprocessing_of_the_checkpoint(
    train: Any, small_cifar10: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("task=cifar_resnet", "task.depth=8", "epochs=1", "batch_size=40", "channels_last=true")
    report: Report = train(*words)
    found = answer(capsys, tmp_path / "run", "--root", tmp_path / "elsewhere")
    assert found["metrics"]["test/loss"] == pytest.approx(report.metrics["test/loss"], rel=1e-4)

    file = tmp_path / "run/checkpoints/best.ckpt"
    checkpoint = torch.load(file, weights_only=True)
    checkpoint["Batches"]["fitted"]["normalize"]["mean"] += 1
    torch.save(checkpoint, file)
    other = answer(capsys, tmp_path / "run")
    assert abs(other["metrics"]["test/loss"] - found["metrics"]["test/loss"]) > 1e-3


def test_views_as_the_run_was_tested_or_as_asked(
    train: Any, small_cifar10: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("task=cifar_resnet", "task.depth=8", "task.width=0.5", "epochs=2", "batch_size=20")
    report: Report = train(*words, "test_time_augmentation=mirror_and_shift")
    asked = "--test-time-augmentation"
    scores = ("test/accuracy", "test/accuracy_tta")
    found = answer(capsys, tmp_path / "run")
    for name in scores:
        assert found["metrics"][name] == pytest.approx(report.metrics[name], abs=1e-6)
    assert found["report"] == {name: pytest.approx(report.metrics[name]) for name in scores}
    evaluate.main([str(tmp_path / "run")])
    said = capsys.readouterr().out
    assert f"test/accuracy_tta: report.json says {report.metrics['test/accuracy_tta']:.4f}; here" in said

    for level in ("none", "mirror"):  # nothing to compare with
        found = answer(capsys, tmp_path / "run", asked, level)
        assert ("test/accuracy_tta" in found["metrics"]) == (level == "mirror")
        assert list(found["report"]) == ["test/accuracy"]
    assert not any(name.endswith("_tta") for name in answer(capsys, tmp_path / "run", "--split", "val")["metrics"])

    report = train(*words, folder=tmp_path / "plain")
    found = answer(capsys, tmp_path / "plain", asked, "mirror_and_shift")
    assert found["metrics"]["test/accuracy_tta"] == answer(capsys, tmp_path / "run")["metrics"]["test/accuracy_tta"]
    assert list(found["report"]) == ["test/accuracy"]
    found = answer(capsys, tmp_path / "plain", asked, "mirror", "--split", "val")
    assert "val/accuracy_tta" in found["metrics"]

    train("task=mlp", "epochs=1", folder=tmp_path / "digits")
    with pytest.raises(SystemExit) as caught:
        evaluate.main([str(tmp_path / "digits"), asked, "mirror"])
    assert caught.value.code == 2
    assert f"{asked} mirror: looks at views of images" in capsys.readouterr().err


def test_what_is_missing_is_said(
    train: Any,
    small_cifar10: None,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refused(*words: object) -> str:
        capsys.readouterr()
        with pytest.raises(SystemExit) as caught:
            evaluate.main([*map(str, words)])
        assert caught.value.code == 2
        return capsys.readouterr().err

    assert "there is no" in refused(tmp_path / "nowhere")
    train("task=linear_regression", "data.validation=0", "epochs=1")
    assert "--split val: this run set no examples apart" in refused(tmp_path / "run", "--split", "val")
    assert "lies in no folder" in refused(tmp_path / "run", "--root", tmp_path)
    train("task=cifar_resnet", "task.depth=8", "debug=steps", folder=tmp_path / "images")

    def absent(self: CIFAR10) -> None:
        raise ValueError(f"CIFAR-10 is not at {self.root}")

    monkeypatch.setattr(CIFAR10, "prepare", absent)
    said = refused(tmp_path / "images", "--root", "nowhere")
    assert "CIFAR-10 is not at nowhere" in said
    assert "--root PLACE" in said


def test_a_run_from_before_a_knob_or_an_axis_stands_where_that_does_nothing(
    train: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = train("epochs=1", "trainer=cpu")
    file = tmp_path / "run" / "config.yaml"
    config = OmegaConf.load(file)
    came_later = ("privacy", "gradient_norm", "activation_checkpointing", "data.input_noise", "averaging")
    for key in came_later:
        place, _, name = key.rpartition(".")
        del (config[place] if place else config)[name]
    OmegaConf.save(config, file)
    assert answer(capsys, tmp_path / "run")["metrics"]["test/accuracy"] == report.metrics["test/accuracy"]

    del config["optimizer"]["lr"]
    OmegaConf.save(config, file)
    with pytest.raises(SystemExit):
        answer(capsys, tmp_path / "run")
    assert f"{file}: optimizer.lr: missing: " in capsys.readouterr().err
    for damaged, said in ((": : [", "cannot be read"), ("- a", "holds no settings of a run")):
        file.write_text(damaged)
        with pytest.raises(SystemExit):
            answer(capsys, tmp_path / "run")
        assert f"{file} {said}" in capsys.readouterr().err


@pytest.mark.parametrize("weighting", ["uncertainty", "gradnorm"])  # one that learns, one that asks for gradients
def test_a_run_that_weighed_several_terms(
    weighting: str, train: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("task=mlp", "debug=steps", "trainer=cpu")
    train(*words, folder=tmp_path / "teacher")
    teacher = f"distillation.logits.teacher={tmp_path / 'teacher'}"
    report = train(*words, "distillation=[logits]", teacher, f"weighting={weighting}")
    found = answer(capsys, tmp_path / "run")
    assert found["metrics"]["test/loss"] == pytest.approx(report.metrics["test/loss"], rel=1e-4)


def test_photos_that_have_moved(train: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_photos(tmp_path / "photos")
    words = ("task=cifar_resnet", "task.depth=8", "data=image_folder", "data.size=16", "debug=steps", "trainer=cpu")
    report = train(*words, f"data.root={tmp_path / 'photos'}")
    (tmp_path / "photos").rename(tmp_path / "elsewhere")
    found = answer(capsys, tmp_path / "run", "--root", tmp_path / "elsewhere")
    assert found["metrics"]["test/loss"] == pytest.approx(report.metrics["test/loss"], rel=1e-3)

    again = train(
        *words, f"data.root={tmp_path / 'elsewhere'}", "transfer=checkpoint", f"transfer.run={tmp_path / 'run'}",
        folder=tmp_path / "more",
    )  # fmt: skip
    assert again.state == "finished"


def test_a_run_of_rows_that_once_laid_out_channels_is_read(
    train: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report: Report = train("task=mlp", "epochs=1")
    file = tmp_path / "run" / "config.yaml"
    file.write_text(file.read_text().replace("channels_last: false", "channels_last: true"))
    assert "channels_last: true" in file.read_text()
    assert answer(capsys, tmp_path / "run")["metrics"]["test/accuracy"] == report.metrics["test/accuracy"]
