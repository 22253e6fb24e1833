"""Averages are what is validated, tested and kept; what is trained goes on untouched."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from temper.command.job import Job
from temper.report.record import Report
from temper.run import run

Train = Callable[..., Report]
SMALL = ("task=cifar_resnet", "task.depth=8", "task.width=0.25", "epochs=3", "batch_size=40", "trainer=cpu")
WORDS = (*SMALL, "trainer.threads=1", "optimizer=momentum", "optimizer.lr=0.05")


def checkpoint(folder: Path, name: str = "last") -> dict[str, Any]:
    loaded: dict[str, Any] = torch.load(folder / "checkpoints" / f"{name}.ckpt", weights_only=True)
    return loaded


def test_training_goes_on_as_if_nobody_had_looked(small_cifar10: None, train: Train, tmp_path: Path) -> None:
    train(*WORDS, folder=tmp_path / "plain")
    train(*WORDS, "averaging=ema", folder=tmp_path / "averaged")
    plain, averaged = checkpoint(tmp_path / "plain"), checkpoint(tmp_path / "averaged")
    trained = averaged["trained_weights"]
    for name, value in plain["state_dict"].items():
        assert torch.equal(trained[name.removeprefix("network.")], value), name
    assert not torch.equal(averaged["state_dict"]["network.head.weight"], plain["state_dict"]["network.head.weight"])


def test_what_is_kept_is_the_average_of_the_path(
    small_cifar10: None, job_of: Callable[..., Job], tmp_path: Path
) -> None:
    ends = []
    for epochs in (1, 2, 3):
        job = job_of(*WORDS, f"epochs={epochs}", folder=tmp_path / str(epochs))
        run(job)
        ends.append(checkpoint(job.folder)["state_dict"])
    job = job_of(*WORDS, "averaging=swa", "averaging.start=0", folder=tmp_path / "swa")
    report = run(job)
    kept = checkpoint(job.folder)["state_dict"]
    for name in ("network.head.weight", "network.head.bias"):
        torch.testing.assert_close(kept[name], torch.stack([end[name] for end in ends]).mean(0))
    # The statistics are those of the averaged weights, neither the trained ones' nor an average.
    statistics = [name for name in kept if name.endswith("running_mean")]
    assert statistics
    assert not any(torch.allclose(kept[name], ends[-1][name], atol=1e-4) for name in statistics)
    assert report.metrics["val/accuracy"] >= 0


def test_until_the_average_begins_the_trained_weights_are_kept(
    small_cifar10: None, train: Train, tmp_path: Path
) -> None:
    plain = train(*WORDS, folder=tmp_path / "plain")
    late = train(*WORDS, "averaging=swa", "averaging.start=2epochs", folder=tmp_path / "late")
    rows = [(tmp_path / name / "metrics.csv").read_text().splitlines() for name in ("plain", "late")]
    header = rows[0][0].split(",")
    seen = [[line.split(",")[header.index("val/accuracy")] for line in lines[1:2]] for lines in rows]
    assert seen[0] == seen[1]
    assert late.metrics.keys() == plain.metrics.keys()


def test_without_validation_the_average_is_tested(small_cifar10: None, train: Train, tmp_path: Path) -> None:
    report = train(*WORDS, "averaging=ema", "data.validation=0", folder=tmp_path / "run")
    from temper.training.trained import Trained, network_of

    trained = Trained.find(str(tmp_path / "run"), "run")
    network = network_of(trained.experiment(), trained.checkpoint())
    kept = {key.removeprefix("network."): value for key, value in trained.checkpoint()["state_dict"].items()}
    assert all(torch.equal(value, kept[key]) for key, value in network.state_dict().items())
    assert "test/accuracy" in report.metrics


@pytest.mark.parametrize(("averaging", "pruning"), [("ema", "magnitude"), ("swa", "magnitude"), ("ema", "random")])
def test_what_was_removed_is_in_no_average(averaging: str, pruning: str, train: Train, tmp_path: Path) -> None:
    # Half of the path lies before the last removal.
    words = ("epochs=4", "trainer=cpu", "trainer.threads=1", f"pruning={pruning}", "pruning.end=0.5")
    report = train(*words, f"averaging={averaging}", "averaging.start=0", folder=tmp_path / "run")
    for name in ("last", "best"):
        kept = checkpoint(tmp_path / "run", name)
        removed = kept["callbacks"]["pruning"]
        shown = {key: kept["state_dict"][f"network.{key}"] for key in removed}
        count = sum(mask.numel() for mask in removed.values())
        assert sum(int(mask.sum()) for mask in removed.values()) == round(0.8 * count)
        assert all(torch.equal(shown[key] == 0, mask) for key, mask in removed.items()), name
        assert any(not torch.equal(shown[key], kept["trained_weights"][key]) for key in removed)
    biases = report.complexity.parameters - count
    assert report.complexity.nonzero_parameters <= count - round(0.8 * count) + biases
