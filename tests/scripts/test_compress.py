"""A finished run is made smaller at once: measured before and after by one ruler, and a run like any other."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.scripts.conftest import load
from torch import Tensor

from temper.command.job import Job
from temper.pruning.masks import prunable_weights, smallest
from temper.report.record import Report
from temper.run import run
from temper.training.revisited import batches_of, experiment_of
from temper.training.trained import Trained, network_of

compress, evaluate, export = load("compress"), load("evaluate"), load("export")
SHORT = ("epochs=2", "batch_size=100", "trainer=cpu", "trainer.threads=1", "optimizer=adam")
RESNET = ("task=cifar_resnet", "task.depth=8", "task.width=0.5", "epochs=2", "batch_size=40", "trainer=cpu")


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("whole")


@pytest.fixture
def perceptron(places: Path, job_of: Callable[..., Job]) -> Path:
    if not (places / "digits").exists():
        run(job_of(*SHORT, folder=places / "digits"))
    return places / "digits"


@pytest.fixture
def resnet(places: Path, small_cifar10: None, job_of: Callable[..., Job]) -> Path:
    if not (places / "images").exists():
        run(job_of(*RESNET, "data.validation=20", folder=places / "images"))
    return places / "images"


def state(folder: Path, name: str = "last") -> dict[str, Tensor]:
    kept: dict[str, Any] = torch.load(folder / "checkpoints" / f"{name}.ckpt", weights_only=True)
    return {key.removeprefix("network."): value for key, value in kept["state_dict"].items() if "network." in key}


def made(whole: Path, folder: Path, *words: str) -> Report:
    compress.main([str(whole), "--output", str(folder), *words])
    return Report.load(folder)


def delivered(folder: Path) -> torch.nn.Module:
    trained = Trained.find(str(folder), "RUN")
    return network_of(trained.experiment(), trained.checkpoint())


def agrees_with_evaluate(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = Report.load(folder)
    for split in ("test", "val", "train"):
        capsys.readouterr()
        evaluate.main([str(folder), "--split", split, "--json"])
        told = json.loads(capsys.readouterr().out)
        assert told["metrics"] == {name: report.metrics[name] for name in told["metrics"]}


def test_whole_numbers_of_the_weights_as_they_are(
    perceptron: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report, whole = made(perceptron, tmp_path / "small", "quantization=static"), Report.load(perceptron)
    kept, before = state(tmp_path / "small"), state(perceptron, "best")
    assert all(torch.equal(kept[name], value) for name, value in before.items())
    for name in ("val/accuracy", "test/accuracy"):
        assert report.smaller["before"][name] == whole.metrics[name]
        assert report.smaller["after"][name] == report.metrics[name]
        assert report.metrics[name] == pytest.approx(whole.metrics[name], abs=0.02)
    assert report.smaller["after"]["bytes"] < 0.4 * report.smaller["before"]["bytes"]
    assert report.choices["quantization"] == "static"
    assert report.cost.seconds is None
    assert any("at once: nothing was trained" in note for note in report.notes)
    agrees_with_evaluate(tmp_path / "small", capsys)


def test_ranges_are_means_over_batches_of_training_examples(perceptron: Path, tmp_path: Path) -> None:
    made(perceptron, tmp_path / "small", "quantization=static", "--examples", "1050")
    trained = Trained.find(str(perceptron), "RUN")
    batches = batches_of(experiment_of(trained, None), trained.checkpoint(), "test", "--split")
    inputs = batches.learned.inputs
    parts = [inputs[:500], inputs[500:1000]]  # and no small batch that would weigh as much
    kept = state(tmp_path / "small")
    assert kept["hidden.linear1.watched"] == 2
    for name, value in (("least", torch.amin), ("largest", torch.amax)):
        assert kept[f"hidden.linear1.{name}"] == pytest.approx(torch.stack([value(part) for part in parts]).mean())


def test_the_smallest_weights_go_and_nothing_else_moves(perceptron: Path, tmp_path: Path) -> None:
    report = made(perceptron, tmp_path / "small", "pruning=magnitude", "pruning.sparsity=0.5")
    before = network_of(
        Trained.find(str(perceptron), "RUN").experiment(), Trained.find(str(perceptron), "").checkpoint()
    )
    masks = smallest(prunable_weights(before), 0.5, {})
    kept = state(tmp_path / "small")
    for name, value in before.state_dict().items():
        expected = value.masked_fill(masks[name], 0.0) if name in masks else value
        assert torch.equal(kept[name], expected), name
    counted = sum(mask.numel() for mask in masks.values())
    after = report.smaller["after"]
    assert after["parameters"] - after["nonzero_parameters"] == round(0.5 * counted)


def test_channels_go_and_statistics_are_taken_anew(
    resnet: Path, small_cifar10: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = made(resnet, tmp_path / "small", "pruning=channels", "pruning.sparsity=0.5")
    before, after = report.smaller["before"], report.smaller["after"]
    assert after["parameters"] < 0.8 * before["parameters"]
    assert after["multiply_adds"] < 0.8 * before["multiply_adds"]
    kept, whole = state(tmp_path / "small"), state(resnet, "best")
    deep = [name for name in kept if name.startswith("stages.2") and name.endswith("running_mean")]
    assert deep
    assert not any(torch.equal(kept[name], whole[name]) for name in deep)
    agrees_with_evaluate(tmp_path / "small", capsys)


def test_weights_that_stay_keep_their_statistics(resnet: Path, small_cifar10: None, tmp_path: Path) -> None:
    made(resnet, tmp_path / "small", "quantization=dynamic")
    kept, whole = state(tmp_path / "small"), state(resnet, "best")
    assert all(torch.equal(kept[name], value) for name, value in whole.items())


@pytest.mark.parametrize(
    "words",
    [
        ("low_rank=truncated_svd", "low_rank.rank=0.25", "pruning=channels", "pruning.sparsity=0.3"),
        ("quantization=static", "pruning=magnitude", "pruning.sparsity=0.3"),
    ],
    ids=" ".join,
)
def test_what_is_made_is_a_run(
    words: tuple[str, ...],
    perceptron: Path,
    job_of: Callable[..., Job],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    small = tmp_path / "small"
    report = made(perceptron, small, *words)
    assert report.smaller["after"]["nonzero_parameters"] < 0.8 * report.smaller["before"]["nonzero_parameters"]
    agrees_with_evaluate(small, capsys)
    capsys.readouterr()
    export.main([str(small), "--output", str(tmp_path / "small.onnx"), "--json"])
    assert (tmp_path / "small.onnx").exists()
    assert (small / "report.html").exists()
    capsys.readouterr()
    config = Trained.find(str(small), "RUN").config()
    assert run(Job(experiment=Trained.find(str(small), "RUN").experiment(), config=config, folder=small)) == report
    assert "has finished: nothing to train" in capsys.readouterr().out
    on = run(job_of(*SHORT, "transfer=checkpoint", f"transfer.run={small}", folder=tmp_path / "on"))
    assert on.state == "finished"


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ((), ("nothing says what makes it smaller", "quantization=static")),
        (("quantization=none",), ("nothing says what makes it smaller", "quantization=static")),
        (("optimizer=adam",), ("optimizer=adam", "pruning, low_rank, quantization")),
        (("pruning=magnitude", "pruning.start=0.2"), ("pruning.start=0.2", "leave pruning.start away")),
        (("quantization=static", "quantization.momentum=0.2"), ("quantization.momentum=0.2", "at once")),
        (("pruning=lottery_ticket",), ("pruning=lottery_ticket", "transfer=checkpoint")),
        (("quantization=aware",), ("quantization=aware", "nothing learns", "transfer=checkpoint")),
        (("quantization=statik",), ("quantization=statik", "static")),
        (("pruning=magnitude", "pruning.sparsity=2"), ("pruning.sparsity=2", "< 1")),
        (("low_rank=truncated_svd", "low_rank.rank=0.99"), ("low_rank.rank=0.99", "lower low_rank.rank")),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_refuses(
    words: tuple[str, ...],
    named: tuple[str, ...],
    perceptron: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    capsys.readouterr()
    with pytest.raises(SystemExit):
        compress.main([str(perceptron), *words, "--output", str(tmp_path / "small")])
    said = capsys.readouterr().err
    assert said.count("\n") == 1, said
    assert all(word in said for word in named), said
    assert ("transfer=checkpoint" in said) == ("transfer=checkpoint" in named), said
    if "transfer=checkpoint" in named:  # what the run trained on is said again, as it must be
        assert f"{Report.load(perceptron).command} transfer=checkpoint transfer.run={perceptron} {words[0]}" in said
    assert not (tmp_path / "small").exists()


@pytest.mark.parametrize(
    ("trained", "words"),
    [
        (("layer_freezing=progressive", "precision=bf16-true"), ("low_rank=truncated_svd",)),
        (("data=table", "loss=mse", "preprocessing.standardize.target=true"), ("quantization=static",)),
        (("data.validation=0", "averaging=ema", "precision=64-true"), ("pruning=channels", "pruning.by=l2")),
        (("sampling=poisson", "privacy=dp_sgd"), ("pruning=magnitude",)),
    ],
    ids=str,
)
def test_of_any_kind_of_run(
    trained: tuple[str, ...],
    words: tuple[str, ...],
    job_of: Callable[..., Job],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if "data=table" in trained:
        rows = [f"{row % 10}.5,{'red' if row % 2 else 'blue'},{100 + 20 * (row % 10)}.5" for row in range(60)]
        (tmp_path / "my_table.csv").write_text("\n".join(["length,colour,price", *rows]))
        trained += (f"data.path={tmp_path / 'my_table.csv'}", "data.target=price")
    whole = run(job_of("epochs=2", "batch_size=30", "trainer=cpu", "trainer.threads=1", *trained))
    report = made(tmp_path / "run", tmp_path / "small", *words)
    for name, value in report.smaller["before"].items():
        if "/" in name and "bf16-true" not in " ".join(trained):
            assert value == pytest.approx(whole.metrics[name], rel=1e-5)
    assert report.privacy == whole.privacy
    assert report.digest != whole.digest
    for split in ("test", "train"):
        capsys.readouterr()
        evaluate.main([str(tmp_path / "small"), "--split", split, "--json"])
        told = json.loads(capsys.readouterr().out)
        assert told["metrics"] == {name: report.metrics[name] for name in told["metrics"]}


def test_what_fails_leaves_nothing(
    perceptron: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> Report:
        raise KeyboardInterrupt

    monkeypatch.setattr(compress, "save", broken)
    with pytest.raises(KeyboardInterrupt):
        made(perceptron, tmp_path / "small", "quantization=dynamic")
    assert list(tmp_path.iterdir()) == []
    monkeypatch.undo()
    (tmp_path / "file").touch()
    with pytest.raises(SystemExit):
        made(perceptron, tmp_path / "file" / "small", "quantization=dynamic")
    assert "with --output FOLDER" in capsys.readouterr().err


def test_a_run_compressed_is_another_method_than_one_trained_so(
    perceptron: Path, job_of: Callable[..., Job], tmp_path: Path
) -> None:
    made(perceptron, tmp_path / "small", "quantization=static")
    assert Report.load(tmp_path / "small").digest != job_of(*SHORT, "quantization=static").digest


def test_refuses_what_is_small_or_there_already(
    perceptron: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made(perceptron, tmp_path / "small", "quantization=dynamic")
    for run_folder, folder, named in (
        (tmp_path / "small", tmp_path / "smaller", "was made smaller already, by quantization=dynamic"),
        (perceptron, tmp_path / "small", "is there already: name another with --output"),
        (tmp_path / "nowhere", tmp_path / "smaller", "there is no"),
    ):
        capsys.readouterr()
        with pytest.raises(SystemExit):
            compress.main([str(run_folder), "quantization=dynamic", "--output", str(folder)])
        assert named in capsys.readouterr().err
        assert not (tmp_path / "smaller").exists()
