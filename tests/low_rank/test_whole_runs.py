"""Whole runs that cut their layers: what they deliver, what they keep, and how they go on."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from tests.conftest import CutOff, Train
from tests.low_rank.conftest import rank_of
from tests.scripts.conftest import load
from torch import nn

from temper.command.job import Job
from temper.facts import Answer
from temper.network.factored import Factored
from temper.network.layered import Layered
from temper.network.mlp import MLP
from temper.report.record import Report
from temper.run import run
from temper.teacher import Teacher
from temper.training.trained import Trained, network_of

WORDS = ("epochs=3", "batch_size=300", "trainer=cpu", "trainer.threads=1", "checkpoint_seconds=1e-9", "flush_every=3")
SMALL = ("task.hidden=[32,24]", "low_rank=truncated_svd", "low_rank.rank=6", "low_rank.start=0.4")
CUT = (*WORDS, *SMALL)  # 4 steps an epoch: from the end of the first on
RANKS = {"hidden.linear1.weight": 6, "hidden.linear2.weight": 6}
WHOLE = 64 * 32 + 32 * 24 + 24 * 10
PAIRS = 6 * (64 + 32) + 6 * (32 + 24) + 24 * 10
BIASES = 32 + 24 + 10


def state(folder: Path, name: str = "last") -> dict[str, torch.Tensor]:
    kept: dict[str, torch.Tensor] = torch.load(folder / "checkpoints" / f"{name}.ckpt", weights_only=True)["state_dict"]
    return {key.removeprefix("network."): value for key, value in kept.items()}


def delivered(folder: Path) -> Layered:
    trained = Trained.find(str(folder), "RUN")
    network = network_of(trained.experiment(), trained.checkpoint())
    assert isinstance(network, Layered)
    return network


def assert_answers_as_its_checkpoint(folder: Path) -> None:
    whole = MLP((64,), 10, hidden=[32, 24], between="relu")
    whole.load_state_dict(state(folder, "best"))
    inputs = torch.randn(50, 64, dtype=next(whole.parameters()).dtype)
    network = delivered(folder)
    assert not network.training
    torch.testing.assert_close(network(inputs), whole.eval()(inputs), rtol=1e-5, atol=1e-5)


@pytest.fixture
def cut(train: Train, tmp_path: Path) -> Path:
    train(*CUT)
    return tmp_path / "run"


def test_a_run_delivers_two_layers_for_each(train: Train, tmp_path: Path) -> None:
    report = train(*CUT)
    before, after = report.smaller["before"], report.smaller["after"]
    assert before["parameters"] == before["nonzero_parameters"] == WHOLE + BIASES
    assert after["parameters"] == after["nonzero_parameters"] == report.complexity.parameters == PAIRS + BIASES
    assert (before["multiply_adds"], after["multiply_adds"]) == (WHOLE, PAIRS)
    assert report.complexity.multiply_adds == PAIRS
    assert (before["bytes"], after["bytes"]) == (4 * (WHOLE + BIASES), 4 * (PAIRS + BIASES))
    rows = (tmp_path / "run" / "metrics.csv").read_text().splitlines()
    column = rows[0].split(",").index("val/accuracy")
    assert before["val/accuracy"] is None  # validated after 4 steps, with which it was cut
    assert after["val/accuracy"] == report.metrics["val/accuracy"]
    assert any(float(row.split(",")[column] or 0) == after["val/accuracy"] for row in rows[1:])
    assert report.notes.count("low_rank=truncated_svd: 2 layers are two each, of rank 6") == 1
    assert Report.load(tmp_path / "run") == report
    assert "and as delivered" in (tmp_path / "run" / "report.html").read_text()


def test_a_cut_is_held_against_the_validation_before_and_chosen_after(train: Train, tmp_path: Path) -> None:
    for start, before, after in ((0.6, "4", ("8", "12")), (0.8, "8", ("12",))):  # of 12 steps: after 7, and after 9
        folder = tmp_path / str(start)
        report = train(
            *CUT, "optimizer=adam", "optimizer.lr=0.01", "low_rank.rank=1", f"low_rank.start={start}", folder=folder
        )
        rows = [row.split(",") for row in (folder / "metrics.csv").read_text().splitlines()]
        scores = {row[0]: float(row[rows[0].index("val/accuracy")] or -1) for row in rows[1:]}
        assert report.smaller["before"]["val/accuracy"] == scores[before] > scores["12"]
        assert report.smaller["after"]["val/accuracy"] == max(scores[step] for step in after)


@pytest.mark.parametrize("start", [0.0, 1.0])
def test_from_the_first_step_or_once_it_has_trained(start: float, train: Train, tmp_path: Path) -> None:
    train(*CUT, f"low_rank.start={start}")
    assert {name: rank_of(state(tmp_path / "run")[name]) for name in RANKS} == RANKS
    assert (tmp_path / "run" / "checkpoints" / "best.ckpt").exists()
    assert_answers_as_its_checkpoint(tmp_path / "run")


def test_what_is_loaded_is_two_layers_and_what_is_kept_is_one(cut: Path) -> None:
    kept = state(cut)
    assert {name: rank_of(kept[name]) for name in RANKS} == RANKS
    assert kept["hidden.linear1.weight"].shape == (32, 64)
    callback = torch.load(cut / "checkpoints" / "last.ckpt", weights_only=True)["callbacks"]["low_rank"]
    assert {name: basis.shape[1] for name, basis in callback["bases"].items()} == RANKS
    assert [layer.rank for layer in delivered(cut).modules() if isinstance(layer, Factored)] == [6, 6]
    assert_answers_as_its_checkpoint(cut)


@pytest.mark.parametrize(
    "words",
    [
        "averaging=ema",
        "averaging=swa averaging.start=2epochs",
        "optimizer=sam",
        "accumulate=2 clip.kind=norm",
        "precision=bf16-mixed",
        "precision=64-true low_rank.rank=null low_rank.energy=0.4",
    ],
)
def test_delivers_its_rank_together_with(words: str, train: Train, tmp_path: Path) -> None:
    report = train(*CUT, *words.split())
    ranks = {name: rank_of(state(tmp_path / "run", "best")[name]) for name in RANKS}
    assert ranks == RANKS or "energy" in words
    assert report.complexity.parameters == BIASES + 240 + sum(
        rank * sum(state(tmp_path / "run")[name].shape) for name, rank in ranks.items()
    )
    if "64" not in words:
        assert_answers_as_its_checkpoint(tmp_path / "run")


def test_neurons_and_rank_fall_together(train: Train, tmp_path: Path) -> None:
    report = train(*CUT, "pruning=channels", "low_rank.rank=5")
    pairs = 5 * (64 + 16) + 5 * (16 + 12)
    assert report.complexity.multiply_adds == pairs + 12 * 10
    assert report.complexity.parameters == pairs + 120 + 16 + 12 + 10
    assert report.smaller["before"]["parameters"] == WHOLE + BIASES
    gone = (state(tmp_path / "run", "best")["hidden.linear1.weight"] == 0).all(1)
    assert int(gone.sum()) == 16
    assert_answers_as_its_checkpoint(tmp_path / "run")


@pytest.mark.parametrize(
    ("words", "step"),
    [
        ("optimizer=adam", 2),
        ("optimizer=adam", 4),
        ("low_rank.start=0.0 accumulate=2", 7),
    ],
)
def test_resumed_to_the_bit(words: str, step: int, job_of: Callable[..., Job], tmp_path: Path, cut_off: CutOff) -> None:
    whole, job = job_of(*CUT, *words.split(), folder=tmp_path / "whole"), job_of(*CUT, *words.split())
    report = run(whole)
    cut_off(job, step)
    assert run(job).metrics == report.metrics
    for name in ("last", "best"):
        one, other = state(whole.folder, name), state(job.folder, name)
        assert all(torch.equal(one[key], other[key]) for key in one)


@pytest.mark.parametrize(
    "words",
    [
        "task=cifar_resnet task.depth=8 task.width=0.5 low_rank.convolution=spatial channels_last=true",
        "task=cifar_resnet task.depth=8 task.width=0.5 task.connection=dense pruning=channels",
        "task=convnet task.widths=[8,12] task.residual=true resolution=linear activation_checkpointing=blocks",
    ],
)
def test_networks_of_images_are_made_smaller(words: str, small_cifar10: None, train: Train, tmp_path: Path) -> None:
    report = train(*WORDS[2:-1], *words.split(), "low_rank=truncated_svd", "batch_size=40", "epochs=2")
    before, after = report.smaller["before"], report.smaller["after"]
    assert after["parameters"] < 0.6 * before["parameters"]
    assert after["multiply_adds"] < 0.6 * before["multiply_adds"]
    network = delivered(tmp_path / "run")
    assert sum(weight.numel() for weight in network.parameters()) == after["parameters"]
    assert any(isinstance(layer, Factored) for layer in network.modules())


def test_scripts_take_what_was_delivered(cut: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "digits.csv").write_text("\n".join([",".join(["3"] * 64)] * 2))
    load("evaluate").main([str(cut), "--json"])
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert found["metrics"]["test/accuracy"] == pytest.approx(Report.load(cut).metrics["test/accuracy"], abs=1e-6)
    load("predict").main([str(cut), str(tmp_path / "digits.csv")])
    assert capsys.readouterr().out
    load("export").main([str(cut), "--output", str(tmp_path / "digits.pt2")])
    shapes = [tuple(value.shape) for value in torch.export.load(tmp_path / "digits.pt2").state_dict.values()]
    assert (6, 64) in shapes
    assert (32, 64) not in shapes


def test_teaches_with_what_was_delivered(
    cut: Path, train: Train, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taught = [
        f"distillation.{name}.{knob}" for name in ("logits", "hints") for knob in (f"teacher={cut}", "weight=0.3")
    ]
    layers = [f"distillation.hints.{whose}_layer=hidden.linear1" for whose in ("teacher", "student")]
    asked: list[nn.Module] = []
    answer = Teacher.answer

    def listening(self: Teacher, inputs: torch.Tensor) -> Answer:
        asked.append(self.network)
        said = answer(self, inputs)
        assert said.features["hidden.linear1"].shape[1] == 32
        return said

    monkeypatch.setattr(Teacher, "answer", listening)
    words = (*WORDS, "task.hidden=[8]", "distillation=[logits,hints]", *taught, *layers)
    assert train(*words, folder=tmp_path / "student").state == "finished"
    assert all(any(isinstance(layer, Factored) for layer in network.modules()) for network in asked)
    assert asked


def test_training_that_diverges_is_told_as_that(
    job_of: Callable[..., Job], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("batch_size=64", "optimizer.lr=1e6", "flush_every=100", "low_rank.start=0.3")  # of 51 steps: after 15
    for number, knobs in enumerate((["low_rank.rank=6"], ["low_rank.rank=null", "low_rank.energy=0.5"])):
        with pytest.raises(SystemExit):
            run(job_of(*CUT, *words, *knobs, folder=tmp_path / str(number)))
        assert "lower optimizer.lr" in capsys.readouterr().err
