"""The norm that is recorded is that of the gradient, by layer and whole."""

import csv
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import lightning as L
import pytest
import torch

from temper.command.job import Job
from temper.run import run
from temper.training.gradient_norm import GradientNorm
from temper.training.supervised import Supervised

WORDS = ("epochs=2", "batch_size=400", "trainer=cpu", "trainer.threads=1", "flush_every=2", "precision=64-true")


class Spy(L.Callback):
    """Computes each step's norm with torch's own function."""

    def __init__(self) -> None:
        self.norms: dict[int, float] = {}

    def on_before_optimizer_step(self, trainer: L.Trainer, module: L.LightningModule, optimizer: object) -> None:
        gradients = [weight.grad for weight in module.parameters() if weight.grad is not None]
        self.norms[trainer.global_step + 1] = torch.nn.utils.get_total_norm(gradients).item()


@pytest.mark.parametrize("clip", ["none", "norm"])
def test_is_the_norm_before_clipping(clip: str, job_of: Callable[..., Job], monkeypatch: pytest.MonkeyPatch) -> None:
    spy = Spy()
    job = job_of(*WORDS, "gradient_norm=layers", f"clip.kind={clip}", "clip.value=0.001")
    monkeypatch.setattr(type(job.experiment.debug), "callbacks", lambda self, folder: [spy])
    run(job)
    rows = list(csv.DictReader((Path(job.folder) / "metrics.csv").read_text().splitlines()))
    noted = {int(row["step"]): row for row in rows if row["gradient_norm"]}
    assert len(noted) >= 3
    for step, row in noted.items():
        assert float(row["gradient_norm"]) == pytest.approx(spy.norms[step], rel=1e-9)
        layers = [float(value) for name, value in row.items() if name.startswith("gradient_norm/")]
        assert len(layers) == 3
        assert sum(value**2 for value in layers) ** 0.5 == pytest.approx(spy.norms[step], rel=1e-9)


def test_of_a_layer_that_has_stopped_there_is_none(job_of: Callable[..., Job]) -> None:
    job = job_of(*WORDS, "gradient_norm=layers", "layer_freezing=progressive", "layer_freezing.until=[50%]")
    run(job)
    rows = list(csv.DictReader((job.folder / "metrics.csv").read_text().splitlines()))
    noted = [(int(row["epoch"]), row) for row in rows if row["gradient_norm"]]
    first, later = ({bool(row["gradient_norm/hidden.linear1"]) for epoch, row in noted if epoch == at} for at in (0, 1))
    assert (first, later) == ({True}, {False})
    assert all(row["gradient_norm/hidden.linear2"] for _, row in noted)


def test_whole_names_no_layer(job_of: Callable[..., Job]) -> None:
    job = job_of(*WORDS, "gradient_norm=whole")
    run(job)
    header = (Path(job.folder) / "metrics.csv").read_text().splitlines()[0].split(",")
    assert "gradient_norm" in header
    assert not [name for name in header if name.startswith("gradient_norm/")]


def test_of_micro_batches_is_that_of_the_batch(job_of: Callable[..., Job], tmp_path: Path) -> None:
    noted = []
    for parts in (1, 3):
        job = job_of(*WORDS, "gradient_norm=layers", f"accumulate={parts}", folder=tmp_path / str(parts))
        run(job)
        rows = list(csv.DictReader((job.folder / "metrics.csv").read_text().splitlines()))
        noted.append([[float(row[name]) for name in row if name.startswith("gradient_norm")] for row in rows])
    assert [len(row) for row in noted[0]] == [4] * len(noted[0])
    for whole, cut in zip(*noted, strict=True):
        assert cut == pytest.approx(whole, rel=1e-9)


def test_of_two_gradients_a_step_the_first_is_noted() -> None:
    callback = GradientNorm(layers=False, due=lambda step: True)
    module = Supervised.__new__(Supervised)
    object.__setattr__(module, "ingredients", SimpleNamespace(optimizer=SimpleNamespace(passes=2)))
    object.__setattr__(module, "noted", {})
    weight = torch.nn.Parameter(torch.zeros(2))
    object.__setattr__(module, "named_parameters", lambda: [("network.head.weight", weight)])
    trainer = SimpleNamespace(is_last_batch=False, global_step=0)
    for ascending, slope in ((True, 3.0), (False, 5.0)):
        weight.grad = torch.tensor([slope, 0.0])
        callback.on_before_optimizer_step(trainer, module, SimpleNamespace(ascending=ascending))  # type: ignore[arg-type]
    assert module.noted["gradient_norm"] == 3.0
