"""What the house asks of every distillation: cut batches, two gradients a step, weights that are learned, a resume."""

import csv
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from temper.command.command_line import options
from temper.command.job import Job
from temper.network.mlp import MLP
from temper.report.measure import multiply_adds
from temper.run import run
from temper.training.build import build_batches, build_module

CutOff = Callable[..., None]
OPTIONS = [name for name in options("distillation") if name != "none"]
ROWS = [name for name in OPTIONS if name != "attention_transfer"]
CPU = ("trainer=cpu", "trainer.threads=1")
SHORT = (*CPU, "epochs=2", "batch_size=50", "flush_every=1")
FEW = ("data.validation=0.4", "data.test=0.5")  # 180 digits are left, 4 steps an epoch
TINY = ("task=convnet", "task.widths=[4,4]", "batch_size=40")  # 3 steps an epoch of the small CIFAR-10


def taught(teacher: Path, *names: str, weight: float = 0.15) -> tuple[str, ...]:
    knobs = (f"distillation.{name}.{knob}" for name in names for knob in (f"teacher={teacher}", f"weight={weight}"))
    return f"distillation=[{','.join(names)}]", *knobs


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("teachers")


@pytest.fixture
def rows_teacher(places: Path, job_of: Callable[..., Job]) -> Path:
    """A wider perceptron, trained for an epoch."""
    if not (places / "rows").exists():
        run(job_of(*SHORT, *FEW, "task.hidden=[96,48]", folder=places / "rows"))
    return places / "rows"


@pytest.fixture
def images_teacher(places: Path, small_cifar10: None, job_of: Callable[..., Job]) -> Path:
    """A wider network of the same stages, trained for an epoch."""
    if not (places / "images").exists():
        run(job_of(*SHORT, *TINY, "task.widths=[6,8]", "epochs=1", folder=places / "images"))
    return places / "images"


def state(folder: Path) -> dict[str, torch.Tensor]:
    loaded: dict[str, torch.Tensor] = torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
    return loaded


def test_finds_what_there_is() -> None:
    assert OPTIONS == ["attention_transfer", "dkd", "hints", "logits", "relational", "standardized_logits"]


@pytest.mark.parametrize("names", [["relational"], [name for name in ROWS if name != "relational"]], ids=len)
def test_two_micro_batches_are_one_batch(
    names: list[str], rows_teacher: Path, job_of: Callable[..., Job], tmp_path: Path
) -> None:
    for cuts in (1, 2):
        words = (*SHORT, *FEW, *taught(rows_teacher, *names), "precision=64-true", f"accumulate={cuts}", "epochs=1")
        run(job_of(*words, folder=tmp_path / str(cuts)))
    whole, cut = state(tmp_path / "1"), state(tmp_path / "2")
    apart = max(float((whole[key] - cut[key]).abs().max()) for key in whole)
    assert (apart > 1e-4) if names == ["relational"] else (apart < 1e-12)  # its partners are those of the micro-batch


def test_two_micro_batches_of_images_are_one_batch(
    images_teacher: Path, job_of: Callable[..., Job], tmp_path: Path
) -> None:
    names = "attention_transfer", "hints"
    for cuts in (1, 2):
        words = (*SHORT, "task=cifar_resnet", "task.depth=8", "task.width=0.25", "task.norm=group", "batch_size=40")
        layers = [
            f"distillation.attention_transfer.{side}_layers=[stages.0,stages.1]" for side in ("student", "teacher")
        ]
        layers += ["distillation.hints.student_layer=stages.2", "distillation.hints.teacher_layer=stages.1"]
        job = job_of(
            *words, *taught(images_teacher, *names), *layers, "precision=64-true",
            f"accumulate={cuts}", "epochs=1", folder=tmp_path / str(cuts),
        )  # fmt: skip
        run(job)
    whole, cut = state(tmp_path / "1"), state(tmp_path / "2")
    assert "distillers.hints.regressor.weight" in whole
    for key in whole:
        torch.testing.assert_close(cut[key], whole[key], rtol=0, atol=1e-12)


@pytest.mark.parametrize("optimizer", ["momentum", "sam"])
def test_one_teacher_of_all_is_asked_once_a_step(
    optimizer: str, rows_teacher: Path, job_of: Callable[..., Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    job, asked = job_of(*SHORT, *FEW, *taught(rows_teacher, *ROWS), f"optimizer={optimizer}"), []
    forward = MLP.forward

    def counting(self: MLP, inputs: torch.Tensor) -> torch.Tensor:
        if self.hidden[0].out_features == 96 and len(inputs) > 1:
            asked.append(len(inputs))
        return forward(self, inputs)

    monkeypatch.setattr(MLP, "forward", counting)
    report = run(job)
    student = build_module(job.experiment, build_batches(job.experiment).facts).network
    passes, teaching = {"momentum": 1, "sam": 2}[optimizer], 64 * 96 + 96 * 48 + 48 * 10
    assert report.cost.training_multiply_adds == 360 * (passes * multiply_adds(student, (64,))[1] + teaching)
    assert asked == [50, 50, 50, 30] * 2
    with (job.folder / "metrics.csv").open() as file:
        row = [row for row in csv.DictReader(file) if row["train/loss"]][-1]
    terms = ["dkd", "hints", "logits", "relational_distance", "relational_angle", "standardized_logits"]
    assert all(float(row[f"train/{term}"]) > 0 for term in terms)
    assert float(row["weight/task"]) == pytest.approx(0.1)


@pytest.mark.parametrize("words", ["optimizer=adam averaging=ema", "optimizer=sam weighting=gradnorm"])
def test_all_are_resumed_to_the_bit(
    words: str, rows_teacher: Path, job_of: Callable[..., Job], tmp_path: Path, cut_off: CutOff
) -> None:
    asked = (*SHORT, *FEW, *taught(rows_teacher, *ROWS), *words.split(), "checkpoint_seconds=1e-9")
    before = state(rows_teacher)
    whole, cut = (job_of(*asked, folder=tmp_path / name) for name in ("whole", "cut"))
    run(whole)
    cut_off(cut, 5)
    run(cut)
    one, other = state(whole.folder), state(cut.folder)
    assert one.keys() == other.keys()
    assert all(torch.equal(one[key], other[key]) for key in one)
    # The regressor is trained and kept; of the teacher nothing is, and its own file is as it was.
    taught_by_hints = one["distillers.hints.regressor.weight"]
    assert taught_by_hints.shape == (48, 64)
    assert [key for key in one if key.startswith("distillers.")] == [
        "distillers.hints.regressor.weight", "distillers.hints.regressor.bias",
    ]  # fmt: skip
    assert all(torch.equal(entry, before[key]) for key, entry in state(rows_teacher).items())
    if "adam" in words:
        run(job_of(*asked, "debug=steps", "optimizer.lr=1e-12", folder=tmp_path / "start"))
        start = state(tmp_path / "start")["distillers.hints.regressor.weight"]
        assert not torch.allclose(start, taught_by_hints, atol=1e-3)


def test_what_images_have_of_their_own_is_resumed(
    images_teacher: Path, job_of: Callable[..., Job], tmp_path: Path, cut_off: CutOff
) -> None:
    names = "attention_transfer", "hints", "relational"
    asked = (*SHORT, *TINY, *taught(images_teacher, *names), "resolution=linear", "checkpoint_seconds=1e-9")
    whole, cut = (job_of(*asked, folder=tmp_path / name) for name in ("whole", "cut"))
    run(whole)
    cut_off(cut, 4)
    run(cut)
    one, other = state(whole.folder), state(cut.folder)
    assert one["distillers.hints.regressor.weight"].shape == (8, 4, 1, 1)
    assert all(torch.equal(one[key], other[key]) for key in one)


@pytest.mark.parametrize("weighting", ["uncertainty", "gradnorm"])
def test_terms_of_all_are_weighed(weighting: str, rows_teacher: Path, job_of: Callable[..., Job]) -> None:
    job = job_of(*SHORT, *FEW, *taught(rows_teacher, *ROWS), f"weighting={weighting}", "optimizer=adam")
    assert run(job).state == "finished"
    with (job.folder / "metrics.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["weight/task"]]
    assert len(rows) == 8
    found = [[float(row[f"weight/{name}"]) for name in job.experiment.shares] for row in rows]
    assert len(found[0]) == 7
    assert all(first != last for first, last in zip(found[0], found[-1], strict=True))


def test_features_are_those_of_a_pass_that_is_made_twice(
    rows_teacher: Path, job_of: Callable[..., Job], tmp_path: Path
) -> None:
    """Blocks that are computed again in the backward pass put their features out again."""
    layers = [f"distillation.{name}.student_layer=hidden.activation1" for name in ("hints", "relational")]
    words = (*SHORT, *FEW, *taught(rows_teacher, "hints", "relational"), *layers, "accumulate=2")
    for again in ("null", "blocks"):
        run(job_of(*words, f"activation_checkpointing={again}", folder=tmp_path / again))
    kept, recomputed = state(tmp_path / "null"), state(tmp_path / "blocks")
    assert all(torch.equal(kept[key], recomputed[key]) for key in kept)


def test_learns_from_a_teacher(rows_teacher: Path, job_of: Callable[..., Job], tmp_path: Path) -> None:
    job = job_of(*SHORT, *FEW, *taught(rows_teacher, *ROWS), "epochs=10", "optimizer=adam")
    run(job)
    with (job.folder / "metrics.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["train/loss"]]
    for name in set(job.experiment.shares) - {"task"}:
        assert float(rows[-1][f"train/{name}"]) < 0.9 * float(rows[0][f"train/{name}"]), name


def test_layers_are_of_two_kinds_of_networks(
    images_teacher: Path, job_of: Callable[..., Job], small_cifar10: None
) -> None:
    """A ResNet learns from a plain convolutional network, each layer by its own name."""
    names = ("attention_transfer", "relational", "hints")
    layers = {
        "attention_transfer.student_layers": "[stages.0,stages.2]",
        "attention_transfer.teacher_layers": "[stages.0,stages.1]",
        "hints.student_layer": "stages.2",
        "hints.teacher_layer": "stages.1",
    }
    named = (f"distillation.{knob}={layer}" for knob, layer in layers.items())
    resnet = ("task=cifar_resnet", "task.depth=8", "task.width=0.25", "batch_size=40", "epochs=1")
    job = job_of(*SHORT, *resnet, *taught(images_teacher, *names), *named)
    assert run(job).state == "finished"
