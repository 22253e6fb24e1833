"""What all quantizations do to a run: what is scored, kept, delivered and resumed is the network of whole numbers."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from tests.conftest import CutOff, Train
from tests.quantization.conftest import ROUNDED, delivered, state, whole_layers

from temper.command.job import Job
from temper.network.simulated import RANGE
from temper.quantity import Clock
from temper.quantization.aware import Aware
from temper.quantization.dynamic import Dynamic
from temper.quantization.rounding import Rounded
from temper.quantization.static import Static
from temper.report.record import Report
from temper.run import run
from temper.training.build import build_batches

OPTIONS = ("dynamic", "static", "aware")


@pytest.mark.parametrize("option", OPTIONS)
def test_a_run_delivers_whole_numbers(option: str, train: Train, tmp_path: Path) -> None:
    report = train(*ROUNDED, f"quantization={option}")
    before, after = report.smaller["before"], report.smaller["after"]
    network = delivered(tmp_path / "run")
    assert len(whole_layers(network)) == 2
    weights, outputs = 64 * 32 + 32 * 10, 32 + 10
    ranges = 0 if option == "dynamic" else 2 * 2 * 4
    assert after["bytes"] == report.complexity.bytes == weights + 4 * outputs + 4 * outputs + ranges
    assert before["bytes"] == 4 * (weights + outputs), "a network that knows nothing of rounding"
    assert before["parameters"] == after["parameters"] == weights + outputs
    assert before["multiply_adds"] == after["multiply_adds"] == weights
    assert before["nonzero_parameters"] >= after["nonzero_parameters"]
    rows = (tmp_path / "run" / "metrics.csv").read_text().splitlines()
    column = rows[0].split(",").index("val/accuracy")
    scores = {row.split(",")[0]: row.split(",")[column] for row in rows[1:]}
    assert before["val/accuracy"] == float(scores["4"])
    assert after["val/accuracy"] == report.metrics["val/accuracy"]
    assert any(f"quantization={option}: 2 layers hold whole numbers" in note for note in report.notes)
    assert Report.load(tmp_path / "run") == report


@pytest.mark.parametrize("option", OPTIONS)
def test_what_was_scored_is_what_is_delivered(option: str, job_of: Callable[..., Job], tmp_path: Path) -> None:
    job = job_of(*ROUNDED, f"quantization={option}")
    report = run(job)
    batches = build_batches(job.experiment)
    tested = batches.splits.test
    inputs = batches.pipeline(torch.as_tensor(tested.inputs))
    with torch.inference_mode():
        right = delivered(tmp_path / "run")(inputs).argmax(1) == torch.as_tensor(tested.targets)
    assert float(right.double().mean()) == pytest.approx(report.metrics["test/accuracy"], abs=1e-6)


@pytest.mark.parametrize(
    "words",
    [
        "quantization=dynamic averaging=ema",
        "quantization=static optimizer=adam",
        "quantization=static averaging=swa averaging.start=2epochs",
        "quantization=aware averaging=ema",
        "quantization=aware optimizer=sam accumulate=1",
        "quantization=aware activation_checkpointing=blocks accumulate=2 task.dropout=0.2",
        "quantization=static optimizer=schedule_free_adamw",
    ],
)
def test_resumed_to_the_bit(words: str, job_of: Callable[..., Job], tmp_path: Path, cut_off: CutOff) -> None:
    whole, job = job_of(*ROUNDED, *words.split(), folder=tmp_path / "whole"), job_of(*ROUNDED, *words.split())
    report = run(whole)
    cut_off(job, 7)
    assert run(job).metrics == report.metrics
    for name in ("last", "best"):
        one, other = state(whole.folder, name), state(job.folder, name)
        assert all(torch.equal(one[key], other[key]) for key in one), name
    assert int(one["network.head.watched"]) > 0


@pytest.mark.parametrize("option", ["dynamic", "static"])
def test_training_goes_by_floating_point_to_the_end(option: str, train: Train, tmp_path: Path) -> None:
    train(*ROUNDED, f"quantization={option}")
    train(*ROUNDED[:-2], "task.hidden=[32]", folder=tmp_path / "plain")
    rounded, plain = state(tmp_path / "run"), state(tmp_path / "plain")
    assert all(torch.equal(rounded[key], value) for key, value in plain.items())
    assert {key.rpartition(".")[2] for key in rounded.keys() - plain.keys()} == set(RANGE)


@pytest.mark.parametrize(
    ("record", "start", "begins", "settled"),
    [
        (Dynamic, 0.0, 0, 1),
        (Dynamic, 0.45, 4, 5),
        (Static, 0.0, 0, 1),
        (Static, 0.45, 4, 5),
        (Aware, 0.99, 9, 10),
    ],
)
def test_when_it_begins(record: type[Rounded], start: float, begins: int, settled: int) -> None:
    knobs = {} if record is Dynamic else {"momentum": 0.1}
    made, clock = record(start=start, **knobs), Clock((0, 10))
    assert made.begins(clock) == begins
    assert made.settled(clock) == settled


def test_a_run_that_ends_before_says_so(train: Train, tmp_path: Path) -> None:
    report = train(*ROUNDED, "quantization=static", "quantization.start=0.9", "stopping=[target]", "target=0.1")
    assert report.stopped is not None
    assert "target" in report.stopped, "not before it rounds"
    assert report.complexity.bytes < 4 * (64 * 32)
    early = train(
        *ROUNDED,
        "quantization=static",
        "quantization.start=0.9",
        "stopping=[wall_time]",
        "stopping.wall_time.minutes=1e-9",
        folder=tmp_path / "early",
    )
    assert any("ended before quantization.start=0.9, and nothing is rounded" in note for note in early.notes)
    assert early.complexity.bytes > 4 * (64 * 32)


@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize(
    "words",
    [
        "task=cifar_resnet task.depth=8 task.width=0.5 task.connection=dense channels_last=true",
        "task=convnet task.widths=[4,6] task.residual=true precision=bf16-mixed",
        "task=cifar_resnet task.blocks=[1,1,1] task.widths=[4,8,8] task.depth=null",
    ],
)
def test_networks_of_images(option: str, words: str, small_cifar10: None, train: Train, tmp_path: Path) -> None:
    report = train(
        *words.split(), *ROUNDED[:-2], "batch_size=40", "epochs=2", f"quantization={option}", "quantization.start=0"
    )
    network = delivered(tmp_path / "run")
    assert whole_layers(network)
    assert sum(weight.numel() for weight in network.parameters()) == report.smaller["after"]["parameters"]
    assert report.smaller["after"]["bytes"] < report.smaller["before"]["bytes"]


def test_goes_on_from_a_trained_network_and_teaches(train: Train, tmp_path: Path) -> None:
    small = (*ROUNDED[:-2], "task.hidden=[32]", "epochs=1")
    for name, words in {
        "float": (),
        "aware": ("quantization=aware", "transfer=checkpoint", f"transfer.run={tmp_path / 'float'}"),
        "back": ("transfer=checkpoint", f"transfer.run={tmp_path / 'aware'}"),
    }.items():
        report = train(*small, *words, folder=tmp_path / name)
        assert name == "float" or any("new: nothing" in note for note in report.notes)
    teacher = f"teacher={tmp_path / 'aware'}"
    taught = train(
        *small,
        "quantization=static",
        "distillation=[logits,hints]",
        f"distillation.logits.{teacher}",
        f"distillation.hints.{teacher}",
        "distillation.hints.weight=0.05",
        folder=tmp_path / "taught",
    )
    assert taught.state == "finished"


def test_with_pruning(train: Train, tmp_path: Path) -> None:
    report = train(*ROUNDED, "quantization=aware", "pruning=channels")
    network = delivered(tmp_path / "run")
    assert [len(layer.weight) for layer in whole_layers(network)] == [16, 10]
    assert report.complexity.parameters == 65 * 16 + 17 * 10
    report = train(*ROUNDED, "quantization=static", "pruning=magnitude", folder=tmp_path / "masked")
    assert report.complexity.nonzero_parameters < 0.3 * report.complexity.parameters


def test_bfloat16_holds_no_range(job_of: Callable[..., Job]) -> None:
    for option in ("static", "aware"):
        with pytest.raises(ValueError, match=rf"quantization={option} lets ranges.*precision=bf16-true.*bf16-mixed"):
            job_of(f"quantization={option}", "precision=bf16-true")
    job_of("quantization=dynamic", "precision=bf16-true")


def test_another_options_ranges_are_no_start(train: Train, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    train(*ROUNDED, "quantization=dynamic")
    last = tmp_path / "run" / "checkpoints" / "last.ckpt"
    with pytest.raises(SystemExit):
        train(*ROUNDED, "quantization=static", "epochs=6", f"ckpt={last}", folder=tmp_path / "other")
    said = capsys.readouterr().err
    assert "holds ranges as quantization=dynamic takes them" in said
    assert "choose quantization=dynamic" in said


def test_ranges_of_a_shorter_run_are_forgotten_until_this_one_begins(train: Train, tmp_path: Path) -> None:
    train(*ROUNDED, "quantization=static")
    longer = ("quantization=static", "epochs=6", "quantization.start=0.8")
    last = tmp_path / "run" / "checkpoints" / "last.ckpt"
    assert int(state(tmp_path / "run")["network.head.watched"]) == 6
    report = train(*ROUNDED, *longer, f"ckpt={last}", folder=tmp_path / "longer")
    assert int(state(tmp_path / "longer")["network.head.watched"]) == 5  # of 24 steps those from the 20th on
    assert report.smaller["before"]["val/accuracy"] is not None
