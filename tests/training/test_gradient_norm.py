"""The norm that is recorded is that of the gradient, by layer and whole."""

import csv
from collections.abc import Callable
from pathlib import Path

import lightning as L
import pytest
import torch

from temper.command.job import Job
from temper.run import run

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


def test_whole_names_no_layer(job_of: Callable[..., Job]) -> None:
    job = job_of(*WORDS, "gradient_norm=whole")
    run(job)
    header = (Path(job.folder) / "metrics.csv").read_text().splitlines()[0].split(",")
    assert "gradient_norm" in header
    assert not [name for name in header if name.startswith("gradient_norm/")]
