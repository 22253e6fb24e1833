"""DDP on machines with and without GPUs, pretended, and what Lightning makes of it on a CPU."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import lightning as L
import pytest
import torch
from lightning.pytorch.strategies import DDPStrategy
from pydantic import ValidationError
from tests.processes import free_port, printed_by

from temper.command.job import Job
from temper.recipes import ROOT
from temper.report.record import Report
from temper.run import run
from temper.trainer import processes
from temper.trainer.ddp import DDP

GOOD = {"accelerator": "auto", "devices": "auto", "nodes": 1, "threads": "auto"}


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LOCAL_WORLD_SIZE", raising=False)


def made(**changed: object) -> DDP:
    return DDP(**{**GOOD, **changed})  # type: ignore[arg-type] # of several types


@pytest.mark.parametrize(
    ("here", "changed", "accelerator", "devices", "backend"),
    [
        (4, {}, "gpu", 4, None),
        (4, {"devices": 3}, "gpu", 3, None),
        (4, {"accelerator": "cpu"}, "cpu", 2, "gloo"),
        (0, {}, "cpu", 2, "gloo"),
        (0, {"devices": 8}, "cpu", 8, "gloo"),
    ],
)
def test_asks_for_a_process_on_each_device(
    monkeypatch: pytest.MonkeyPatch,
    here: int,
    changed: dict[str, object],
    accelerator: str,
    devices: int,
    backend: str | None,
) -> None:
    monkeypatch.setattr(processes, "gpus", lambda: here)
    arguments = made(**changed).arguments()
    assert (arguments["accelerator"], arguments["devices"]) == (accelerator, devices)
    assert isinstance(arguments["strategy"], DDPStrategy)
    assert arguments["strategy"].process_group_backend == backend


@pytest.mark.filterwarnings("ignore:GPU available but not used")
def test_lightning_counts_the_processes() -> None:
    arguments = made(accelerator="cpu", devices=3, nodes=2).arguments()
    trainer = L.Trainer(**arguments, logger=False, enable_checkpointing=False)
    assert (trainer.world_size, trainer.num_devices, trainer.num_nodes) == (6, 3, 2)


def test_torchrun_has_decided_already(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "gpus", lambda: 0)
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "5")
    assert made().arguments()["devices"] == 5


def test_refuses_a_machine_without_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "gpus", lambda: 0)
    with pytest.raises(ValueError, match=r"accelerator=gpu: this machine has no GPU .*accelerator=cpu"):
        made(accelerator="gpu").arguments()


def test_refuses_more_gpus_than_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "gpus", lambda: 1)
    with pytest.raises(ValueError, match=r"trainer.devices=2: this machine has 1 GPU that .*devices=auto"):
        made(devices=2).arguments()


@pytest.mark.parametrize(
    "bad", [{"accelerator": "tpu"}, {"devices": 0}, {"nodes": 0}, {"nodes": "auto"}, {"threads": 0}]
)
def test_refuses(bad: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match=next(iter(bad))):
        made(**bad)


def test_two_nodes_are_one_run(job_of: Callable[..., Job], tmp_path: Path) -> None:
    """Each machine's torchrun starts one process; they meet at an address, and share a disk."""
    port = free_port()
    words = ("precision=64-true", "epochs=2", "batch_size=200", "trainer.threads=1")
    asked = (*words, "trainer=ddp", "trainer.nodes=2", "trainer.devices=1", "trainer.accelerator=cpu")
    own = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_XDIST")}

    def node(rank: int) -> "subprocess.Popen[str]":
        torchrun = ("-m", "torch.distributed.run", "--nnodes=2", "--nproc-per-node=1", f"--node-rank={rank}")
        meeting = ("--master-addr=127.0.0.1", f"--master-port={port}")
        command = [sys.executable, *torchrun, *meeting, str(ROOT / "train.py"), *asked, f"hydra.run.dir={tmp_path}/two"]
        return subprocess.Popen(
            command, env=own, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    first, second = printed_by([node(rank) for rank in range(2)], seconds=180)
    assert "folder:" in first
    assert "folder:" not in second
    run(job_of(*words, "trainer=cpu", folder=tmp_path / "one"))
    one, two = (
        torch.load(tmp_path / name / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
        for name in ("one", "two")
    )
    assert one.keys() == two.keys()
    for name in one:
        torch.testing.assert_close(two[name], one[name], rtol=0, atol=1e-12)
    reports = [Report.load(tmp_path / name) for name in ("one", "two")]
    assert reports[0].attempts[0].examples == reports[1].attempts[0].examples
    assert [report.processes for report in reports] == [1, 2]
