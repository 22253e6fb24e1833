"""FSDP's arguments of Lightning's Trainer; tests/test_ddp.py trains with it on two processes."""

from collections.abc import Callable
from typing import Any

import lightning as L
import pytest
from pydantic import ValidationError

from temper.command.job import Job
from temper.refusal import Refusal
from temper.run import run
from temper.trainer import processes
from temper.trainer.fsdp import FSDP
from temper.trainer.sharded import Sharded

GOOD = {"accelerator": "auto", "devices": "auto", "nodes": 1, "threads": "auto", "reshard": True}


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LOCAL_WORLD_SIZE", raising=False)


def made(**changed: object) -> FSDP:
    return FSDP(**{**GOOD, **changed})  # type: ignore[arg-type] # of several types


@pytest.mark.parametrize(("here", "accelerator", "devices", "backend"), [(4, "gpu", 4, None), (0, "cpu", 2, "gloo")])
@pytest.mark.parametrize("reshard", [True, False])
def test_asks_for_a_process_on_each_device(
    monkeypatch: pytest.MonkeyPatch, here: int, accelerator: str, devices: int, backend: str | None, reshard: bool
) -> None:
    monkeypatch.setattr(processes, "gpus", lambda: here)
    arguments = made(reshard=reshard).arguments()
    assert (arguments["accelerator"], arguments["devices"], arguments["num_nodes"]) == (accelerator, devices, 1)
    strategy = arguments["strategy"]
    assert isinstance(strategy, Sharded)
    assert (strategy.process_group_backend, strategy.reshard) == (backend, reshard)


@pytest.mark.filterwarnings("ignore:GPU available but not used")
def test_lightning_counts_the_processes() -> None:
    arguments = made(accelerator="cpu", devices=3, nodes=2).arguments()
    trainer = L.Trainer(**arguments, logger=False, enable_checkpointing=False)
    assert (trainer.world_size, trainer.num_devices, trainer.num_nodes) == (6, 3, 2)


def test_says_that_weights_lie_in_parts() -> None:
    assert made().shards


def test_refuses_a_machine_without_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "gpus", lambda: 0)
    with pytest.raises(ValueError, match=r"accelerator=gpu: this machine has no GPU .*accelerator=cpu"):
        made(accelerator="gpu").arguments()


@pytest.mark.parametrize(
    "bad", [{"accelerator": "tpu"}, {"devices": 0}, {"nodes": 0}, {"threads": 0}, {"reshard": "perhaps"}]
)
def test_refuses(bad: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match=next(iter(bad))):
        made(**bad)


def taught(name: str) -> tuple[str, str]:
    return f"distillation=[{name}]", f"distillation.{name}.teacher=a/run"


@pytest.mark.parametrize(
    ("words", "way_out"),
    [
        (("pruning=magnitude",), "pruning=none, or trainer=ddp"),
        (("pruning=channels",), "pruning=none, or trainer=ddp"),
        (("low_rank=truncated_svd",), "low_rank=none, or trainer=ddp"),
        (("quantization=aware",), "quantization=none, or trainer=ddp"),
        (("sampling=poisson", "privacy=dp_sgd"), "privacy=none, or trainer=ddp"),
        (("precision=16-mixed",), "precision=bf16-mixed, or trainer=ddp"),
        ((*taught("logits"), "weighting=gradnorm"), "weighting=fixed, or trainer=ddp"),
        ((*taught("logits"), "weighting=uncertainty"), "weighting=fixed, or trainer=ddp"),
        ((taught("hints")[1], "distillation=[hints]"), "trainer=ddp"),
    ],
)
def test_refuses_what_works_on_whole_weights_or_learns_beside_them(
    words: tuple[str, ...], way_out: str, job_of: Callable[..., Job]
) -> None:
    with pytest.raises(
        Refusal, match=r"trainer=fsdp (leaves each process a part of every|cuts the network)"
    ) as refused:
        job_of("trainer=fsdp", *words)
    assert words[-1].replace("[hints]", "hints") in str(refused.value)
    assert str(refused.value).endswith(way_out)


@pytest.mark.parametrize(("trainer", "inference"), [("fsdp", False), ("ddp", True)])
def test_weights_in_parts_are_not_validated_in_inference_mode(
    trainer: str, inference: bool, job_of: Callable[..., Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It forbids what gathers them; Lightning leaves it off by itself for gloo alone."""
    asked: list[bool] = []

    def begun(**arguments: Any) -> None:
        asked.append(arguments["inference_mode"])
        raise InterruptedError

    monkeypatch.setattr("temper.run.L.Trainer", begun)
    with pytest.raises(InterruptedError):
        run(job_of(f"trainer={trainer}", "trainer.accelerator=cpu", "trainer.devices=1"))
    assert asked == [inference]
