"""Profile against a network whose phases take known times."""

import inspect
import json
import time
import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import lightning as L
import pytest
import torch
from pydantic import ValidationError
from torch import Tensor
from torch.autograd.profiler_util import FunctionEvent
from torch.utils.data import DataLoader, Dataset

from temper.debug.profile import Profile, _Profiling

PAUSE = {"data": 0.02, "forward": 0.03, "backward": 0.04, "optimizer": 0.05}


class Slow(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.clone()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        time.sleep(PAUSE["backward"])
        return gradient


class Data(Dataset[Tensor]):
    def __len__(self) -> int:
        return 20

    def __getitem__(self, index: int) -> Tensor:
        time.sleep(PAUSE["data"])
        return torch.ones(3)


class Optimizer(torch.optim.Optimizer):
    def __init__(self, parameters: Any) -> None:
        super().__init__(parameters, {"lr": 0.1})

    def step(self, closure: Any = None) -> Any:
        loss = closure()
        time.sleep(PAUSE["optimizer"])
        return loss


class Module(L.LightningModule):
    def __init__(self) -> None:
        super().__init__()
        self.network = torch.nn.Linear(3, 1)

    def training_step(self, batch: Tensor, batch_idx: int) -> Tensor:
        time.sleep(PAUSE["forward"])
        loss: Tensor = Slow.apply(self.network(batch)).mean()
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return Optimizer(self.parameters())


def fit(folder: Path, debug: Profile, **arguments: Any) -> _Profiling:
    (callback,) = debug.callbacks(folder)
    assert isinstance(callback, _Profiling)
    trainer = L.Trainer(
        **{"max_steps": debug.shortened_to or -1, **arguments}, accelerator="cpu", devices=1, callbacks=[callback],
        logger=False, enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The 'train_dataloader' does not have many workers")
        warnings.filterwarnings("ignore", ".*LeafSpec", FutureWarning)  # Lightning 2.6 under torch 2.15
        trainer.fit(Module(), DataLoader(Data(), batch_size=None))
    return callback


@pytest.mark.parametrize("wait", [0, 2])
def test_books_the_time_of_each_phase(tmp_path: Path, capsys: pytest.CaptureFixture[str], wait: int) -> None:
    callback = fit(tmp_path, Profile(wait=wait, steps=3))
    for phase, pause in PAUSE.items():
        # With no wait, the first batch was there before training began.
        batches = 2 if phase == "data" and wait == 0 else 3
        assert batches * pause <= callback.seconds[phase] <= 3 * pause + 0.25, phase  # type: ignore[index]
    trace = json.loads((tmp_path / "profile" / "trace.json").read_text())
    names = {event.get("name") for event in trace["traceEvents"]}
    assert {f"phase: {phase}" for phase in PAUSE} <= names
    assert "aten::addmm" in names or "aten::linear" in names
    table = (tmp_path / "profile" / "table.txt").read_text()
    assert "3 steps" in table
    assert all(phase in table for phase in PAUSE)
    assert table.split("\n")[0] in capsys.readouterr().out


def test_counts_steps_not_batches(tmp_path: Path) -> None:
    callback = fit(tmp_path, Profile(wait=1, steps=2), accumulate_grad_batches=2)
    assert callback.seconds["backward"] >= 4 * PAUSE["backward"]
    assert callback.seconds["optimizer"] < 4 * PAUSE["optimizer"], "two steps, and not one for each of four batches"


def test_shows_what_was_seen_of_a_run_that_ends_sooner(tmp_path: Path) -> None:
    fit(tmp_path, Profile(wait=1, steps=5), max_steps=3)
    assert "2 steps" in (tmp_path / "profile" / "table.txt").read_text()


def test_shortens_the_run() -> None:
    debug = Profile(wait=3, steps=4)
    assert (debug.shortened_to, debug.memorised) == (7, None)


@pytest.mark.parametrize("bad", [{"wait": -1}, {"steps": 0}, {"steps": 1.5}])
def test_refuses(bad: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match=next(iter(bad))):
        Profile(**{"wait": 1, "steps": 1, **bad})  # type: ignore[arg-type] # wrong on purpose


def test_of_a_gpu_kernels_are_told_alone(tmp_path: Path) -> None:
    def event(key: str, place: str, note: bool = False) -> SimpleNamespace:
        return SimpleNamespace(
            key=key,
            device_type=SimpleNamespace(name=place),
            is_user_annotation=note,
            self_device_time_total=2e6,
            self_cpu_time_total=1e6,
            count=1,
        )

    assert "is_user_annotation" in inspect.signature(FunctionEvent).parameters, "torch's name for it"
    events = [event("aten::mm", "CPU"), event("gemm", "CUDA"), event("Optimizer.step#SGD.step", "CUDA", note=True)]
    profiling = _Profiling(tmp_path, wait=0, steps=1)
    profiling._device = torch.device("cuda")
    table = profiling._operator_table(SimpleNamespace(key_averages=lambda: events))  # type: ignore[arg-type]
    assert list(table.columns[0].cells) == ["gemm"]
    assert list(table.columns[2].cells) == ["100.0%"]
