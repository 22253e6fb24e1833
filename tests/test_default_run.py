"""The default run does what the README says, and the ways to run faster run."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from matplotlib.image import imread

from temper import run as run_module
from temper.command.job import Job
from temper.report.record import Report
from temper.training.supervised import Supervised

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


@pytest.mark.parametrize(
    "words",
    [("data=line",), ("data=diabetes", "preprocessing=[standardize]", "preprocessing.standardize.target=true")],
    ids=["as it is", "standardised"],
)
def test_a_regression_draws_its_curves(
    words: tuple[str, ...], train: Callable[..., Report], drawn: None, tmp_path: Path
) -> None:
    train("task=linear_regression", "loss=mse", "epochs=2", *words)
    assert imread(tmp_path / "run" / "curves.png").std() > 0.01


def test_memorises_what_overfit_gives_it(train: Callable[..., Report]) -> None:
    report = train("debug=overfit", "augmentation=[mixup]")
    assert report.metrics["train/accuracy"] == 1.0


@pytest.mark.parametrize("words", [("precision=bf16-mixed",), ("precision=bf16-true",), ("channels_last=true",)])
def test_of_a_small_resnet(words: tuple[str, ...], train: Callable[..., Report], small_cifar10: None) -> None:
    report = train("task=cifar_resnet", "task.depth=8", "batch_size=40", "epochs=2", "augmentation=[crop,flip]", *words)
    assert report.state == "finished"
    assert report.attempts[0].last_step == 2 * 3


def test_what_is_measured_is_measured_on_the_device_that_trained(
    job_of: Callable[..., Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lightning moves a network to the CPU at the end of each of its stages."""
    moves: list[object] = []
    to, cpu, conclude = Supervised.to, Supervised.cpu, run_module.conclude

    def moving(self: Supervised, *where: Any, **more: Any) -> Supervised:
        moves.append(where[0] if where else None)
        return to(self, *where, **more)

    def leaving(self: Supervised) -> Supervised:
        moves.append("left")
        return cpu(self)

    def concluding(report: Report, job: Job, module: Supervised, recorder: Any, trainer: Any, batches: Any) -> None:
        assert "left" in moves
        assert moves[-1] == trainer.strategy.root_device
        conclude(report, job, module, recorder, trainer, batches)
        moves.append("measured")

    monkeypatch.setattr(Supervised, "to", moving)
    monkeypatch.setattr(Supervised, "cpu", leaving)
    monkeypatch.setattr(run_module, "conclude", concluding)
    run_module.run(job_of("epochs=1", "trainer=cpu"))
    assert moves[-1] == "measured"
