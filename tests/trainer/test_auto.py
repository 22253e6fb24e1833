"""Auto against what Lightning makes of it."""

import lightning as L
import pytest
import torch
from pydantic import ValidationError

from temper.trainer.auto import Auto


def test_lightning_takes_the_best_device(monkeypatch: pytest.MonkeyPatch) -> None:
    trainer = L.Trainer(
        **Auto(accelerator="auto", threads="auto").arguments(), logger=False, enable_checkpointing=False
    )
    assert trainer.num_devices == 1
    expected = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    assert trainer.strategy.root_device.type == expected


def test_passes_on_what_lightning_names() -> None:
    assert Auto(accelerator="cpu", threads=2).arguments()["accelerator"] == "cpu"
    assert Auto(accelerator="tpu", threads="auto").accelerator == "tpu"


def test_refuses_an_accelerator_that_is_not_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ValueError, match=r"accelerator=cuda: this machine has none .* trainer=cpu"):
        Auto(accelerator="cuda", threads="auto").arguments()


def test_refuses_a_gpu_that_is_not_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("temper.trainer.auto.gpus", lambda: 0)
    with pytest.raises(ValueError, match=r"accelerator=gpu: this machine has none .* trainer=cpu"):
        Auto(accelerator="gpu", threads="auto").arguments()


@pytest.mark.parametrize(
    ("bad", "message"),
    [({"accelerator": "abacus"}, "abacus is not one of .*cpu"), ({"threads": 0}, "threads")],
)
def test_refuses(bad: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Auto(**{"accelerator": "auto", "threads": "auto", **bad})  # type: ignore[arg-type] # wrong on purpose
