"""Test-time augmentation through whole runs: what it adds to the report, and that it touches nothing else."""

import csv
import io
import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from rich.console import Console
from torch import Tensor
from torch.nn import functional as F

from temper.cookbook.standing import row_of
from temper.data.views import LEVELS, Level, View, views
from temper.digest import digest
from temper.metric import better, check_metric
from temper.report.outcome import final_figures
from temper.report.record import Report, show
from temper.training.build import build_batches, build_module
from temper.training.supervised import Supervised
from temper.training.trained import Trained, network_of, pipeline_of

Train = Callable[..., Report]
SMALL = ("task=cifar_resnet", "task.depth=8", "task.width=0.25", "batch_size=40", "epochs=2", "trainer=cpu")
PROMISE = (
    "+expect={_target_: temper.experiment.settings.Expectation, metric: test/accuracy_tta, value: 0, tolerance: 0}"
)
OF_TIME = ("seconds", "examples_per_second")
VARIANTS = [
    ("preprocessing=[patch_whitening]", "data.validation=0"),
    ("channels_last=true", "accumulate=2", "task.width=0.5"),
    ("precision=bf16-mixed", "augmentation=[crop,flip]", "averaging=ema"),
    ("debug=overfit", "debug.examples=10"),
    ("debug=steps",),
    ("data=image_folder", "data.root=my_photos", "data.in_memory=false", "data.workers=0"),
]


def by_hand(folder: Path, job_of: Callable[..., Any], words: tuple[str, ...], level: Level) -> tuple[Tensor, Tensor]:
    """Return the mean answers of a run's delivered network to its test set, image by image, and the targets."""
    splits = build_batches(job_of(*words).experiment).splits
    trained = Trained.find(str(folder), "RUN")
    experiment, checkpoint = trained.experiment(), trained.checkpoint()
    network, pipeline, means = network_of(experiment, checkpoint), pipeline_of(experiment, checkpoint), []
    stored: Any = splits.test.inputs
    for image in stored if isinstance(stored, Tensor) else stored.sample():
        height, width = image.shape[-2:]
        padded = F.pad(image.float().unsqueeze(0), (1, 1, 1, 1), mode="reflect")
        weights = {1: 0.5} if level == "mirror" else {1: 0.25, 0: 0.125, 2: 0.125}  # by where the window begins
        total = torch.zeros(())
        for start, weight in weights.items():
            window = padded[..., start : start + height, start : start + width].to(torch.uint8)
            for seen in (window, torch.flip(window, [-1])):
                total = total + weight * network(pipeline(seen))[0].detach()
        means.append(total)
    return torch.stack(means), splits.test.targets


@pytest.fixture
def means(monkeypatch: pytest.MonkeyPatch) -> list[Tensor]:
    """Return a list to which each judged mean over views is added."""
    judged: list[Tensor] = []
    verdict = Supervised.verdict

    def listening(self: Supervised, prediction: Tensor, target: Tensor, mean: Tensor | None = None) -> Any:
        judged.extend([] if mean is None else [mean.cpu()])
        return verdict(self, prediction, target, mean)

    monkeypatch.setattr(Supervised, "verdict", listening)
    return judged


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("words", VARIANTS, ids=" ".join)
def test_the_score_is_that_of_the_mean_over_views(
    level: Level,
    words: tuple[str, ...],
    small_data: None,
    train: Train,
    job_of: Callable[..., Any],
    tmp_path: Path,
    means: list[Tensor],
) -> None:
    words = (*SMALL, *words, f"test_time_augmentation={level}")
    report = train(*words)
    expected, target = by_hand(tmp_path / "run", job_of, words, level)
    (mean,) = means
    coarse = {"rtol": 0.05, "atol": 0.05} if "precision=bf16-mixed" in words else {"rtol": 1e-4, "atol": 1e-4}
    torch.testing.assert_close(mean, expected, **coarse)
    accuracy = (mean.argmax(1) == target).double().mean().item()
    assert report.metrics["test/accuracy_tta"] == pytest.approx(accuracy, abs=1e-6)
    assert [name for name in report.metrics if name.endswith("_tta")] == ["test/accuracy_tta"]


def test_two_classes_by_one_logit(
    small_data: None, train: Train, job_of: Callable[..., Any], tmp_path: Path, means: list[Tensor]
) -> None:
    for picture in (tmp_path / "my_photos" / "kind_2").iterdir():
        picture.unlink()
    (tmp_path / "my_photos" / "kind_2").rmdir()
    words = (*SMALL, "data=image_folder", "data.root=my_photos", "loss=binary_cross_entropy")
    words = (*words, "test_time_augmentation=mirror_and_shift")
    report = train(*words)
    logits, target = by_hand(tmp_path / "run", job_of, words, "mirror_and_shift")
    assert logits.ndim == 1
    torch.testing.assert_close(means[0], logits, rtol=1e-4, atol=1e-4)
    accuracy = ((logits > 0) == (target == 1)).double().mean().item()
    assert report.metrics["test/accuracy_tta"] == pytest.approx(accuracy, abs=1e-6)


def test_nothing_else_changes(small_cifar10: None, train: Train, job_of: Callable[..., Any], tmp_path: Path) -> None:
    def rows(folder: str) -> list[dict[str, str]]:
        lines = csv.DictReader((tmp_path / folder / "metrics.csv").read_text().splitlines())
        return [{name: value for name, value in line.items() if name not in OF_TIME} for line in lines]

    def weights(folder: str) -> dict[str, Tensor]:
        file = tmp_path / folder / "checkpoints" / "last.ckpt"
        loaded: dict[str, Tensor] = torch.load(file, weights_only=True)["state_dict"]
        return loaded

    words = (*SMALL, "augmentation=[crop,flip]", "flush_every=1")
    plain = train(*words, folder=tmp_path / "plain")
    seen = train(*words, "test_time_augmentation=mirror_and_shift", folder=tmp_path / "seen")
    one, other = weights("plain"), weights("seen")
    assert [key for key in one if not torch.equal(one[key], other[key])] == []
    assert rows("plain") == rows("seen")
    assert len(rows("plain")) >= 6
    extra = {"test/accuracy_tta"}
    assert set(seen.metrics) - set(plain.metrics) == extra
    assert {name: seen.metrics[name] for name in plain.metrics} == plain.metrics
    assert seen.score == plain.score
    assert seen.generalisation == plain.generalisation
    assert seen.attempts[-1].examples == plain.attempts[-1].examples
    assert seen.cost.training_multiply_adds == plain.cost.training_multiply_adds

    config = job_of(*words).config
    assert config["test_time_augmentation"] is None
    assert digest(config) == digest({key: value for key, value in config.items() if key != "test_time_augmentation"})
    assert digest(job_of(*words, "test_time_augmentation=mirror").config) != digest(config)


def test_views_are_not_counted_as_training(small_cifar10: None, train: Train, monkeypatch: pytest.MonkeyPatch) -> None:
    of, slept = View.of, []

    def slow(self: View, images: Tensor) -> Tensor:
        if self.moved:
            slept.append(1.0)
            time.sleep(1.0)
        return of(self, images)

    monkeypatch.setattr(View, "of", slow)
    report = train(*SMALL, "debug=steps", "test_time_augmentation=mirror_and_shift")
    assert sum(slept) == len(views("mirror_and_shift")) - 1
    assert report.cost.seconds is not None
    assert report.cost.seconds < sum(slept)


def test_it_is_told_wherever_scores_are(small_cifar10: None, train: Train, tmp_path: Path) -> None:
    report = train(*SMALL, "test_time_augmentation=mirror", PROMISE)
    value = report.metrics["test/accuracy_tta"]
    assert value is not None
    assert report.promise == "kept"
    stored = json.loads((tmp_path / "run" / "report.json").read_text())
    assert stored["metrics"]["test/accuracy_tta"] == value
    assert any("2 views" in note for note in stored["notes"])
    page = (tmp_path / "run" / "report.html").read_text()
    assert f'<th scope="row">accuracy_tta</th><td></td><td></td><td>{value:.4f}</td>' in page
    printed = io.StringIO()
    show(report, Console(file=printed, width=120))
    first, second = [line for line in printed.getvalue().splitlines() if line.startswith("│")][:2]
    assert f"{value:.4f}" in second
    assert "accuracy_tta" in second
    assert "accuracy_tta" not in first
    assert final_figures(report)["final/test/accuracy_tta"] == value
    row = row_of("baseline/any", report, 1)
    assert row.figures["test/accuracy_tta"] == value
    assert row.metric == "accuracy"


def test_it_is_a_metric_of_the_test_set() -> None:
    assert check_metric("test/accuracy_tta") == "test/accuracy_tta"
    assert check_metric("test/rmse_tta") == "test/rmse_tta"
    assert (better("test/accuracy_tta"), better("test/rmse_tta")) == ("max", "min")
    for metric in ("val/accuracy_tta", "train/rmse_tta", "test/loss_tta"):
        with pytest.raises(ValueError, match="is no metric"):
            check_metric(metric)


def test_values_are_averaged_in_their_own_units(job_of: Callable[..., Any]) -> None:
    experiment = job_of("task=linear_regression").experiment
    facts = replace(build_batches(experiment).facts, target_mean=5.0, target_deviation=2.0)
    module = build_module(experiment, facts)
    prediction, mean, target = torch.tensor([0.0, 1.0]), torch.tensor([0.5, 1.5]), torch.tensor([0.5, 2.5])
    scores = module.verdict(prediction, target, mean).scores
    assert scores["rmse_tta"] == pytest.approx(2 * (1.0 / 2) ** 0.5)
    assert scores["rmse"] == pytest.approx(2 * ((0.25 + 2.25) / 2) ** 0.5)
    assert "rmse_tta" not in module.verdict(prediction, target).scores
