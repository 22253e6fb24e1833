"""The default run does what the README says, and the ways to run faster run."""

from collections.abc import Callable
from pathlib import Path

import pytest
from matplotlib.image import imread

from temper.report.record import Report

STEPS_AN_EPOCH = 17


@pytest.mark.parametrize("words", [(), ("optimizer=adam",)], ids=["its own optimizer", "adam"])
def test_reaches_its_accuracy(
    words: tuple[str, ...], train: Callable[..., Report], drawn: None, tmp_path: Path
) -> None:
    report = train(*words)
    assert imread(tmp_path / "run" / "curves.png").std() > 0.01
    assert "data:image/png;base64," in (tmp_path / "run" / "report.html").read_text()
    assert report.choices["data"] == "digits"
    accuracy = report.metrics["test/accuracy"]
    assert accuracy is not None
    assert accuracy >= 0.96
    assert report.attempts[0].last_step == 40 * STEPS_AN_EPOCH


def test_memorises_what_overfit_gives_it(train: Callable[..., Report]) -> None:
    report = train("debug=overfit", "augmentation=[mixup]")
    assert report.metrics["train/accuracy"] == 1.0


@pytest.mark.parametrize("words", [("precision=bf16-mixed",), ("precision=bf16-true",), ("channels_last=true",)])
def test_of_a_small_resnet(words: tuple[str, ...], train: Callable[..., Report], small_cifar10: None) -> None:
    report = train("task=cifar_resnet", "task.depth=8", "batch_size=40", "epochs=2", "augmentation=[crop,flip]", *words)
    assert report.state == "finished"
    assert report.attempts[0].last_step == 2 * 3
