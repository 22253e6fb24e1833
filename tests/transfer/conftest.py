"""What tests of transfers share: small runs to start from, and a module that has started from one."""

from collections.abc import Callable
from pathlib import Path

import lightning as L
import pytest
import torch

from temper.command.job import Job
from temper.run import run
from temper.training.build import build_batches, build_module
from temper.training.supervised import Supervised
from temper.training.transfer import transfer

Started = tuple[Supervised, list[str], list[L.Callback]]
DIGITS = ("task.hidden=[16,8]", "batch_size=300", "trainer=cpu", "trainer.threads=1")  # 4 steps an epoch
RESNET = ("task=cifar_resnet", "task.depth=8", "task.width=0.25", "batch_size=20", "trainer=cpu", "trainer.threads=1")


def state_of(folder: Path, name: str = "last") -> dict[str, torch.Tensor]:
    """Return the state of the network that a run has left."""
    kept = torch.load(folder / "checkpoints" / f"{name}.ckpt", weights_only=True)["state_dict"]
    return {key.removeprefix("network."): value for key, value in kept.items()}


def words(source: Path, *more: str) -> tuple[str, ...]:
    """Return the words of a command line that start from the run in ``source``, and ``more``."""
    return ("transfer=checkpoint", f"transfer.run={source}", *more)


@pytest.fixture(scope="session")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of runs that many tests start from; the first that asks for one trains it."""
    return tmp_path_factory.mktemp("sources")


@pytest.fixture
def digits(sources: Path, job_of: Callable[..., Job]) -> Path:
    """Return the folder of a perceptron that has learned digits for an epoch."""
    if not (sources / "digits").exists():
        run(job_of(*DIGITS, "epochs=1", "seed=5", folder=sources / "digits"))
    return sources / "digits"


@pytest.fixture
def resnet(small_data: None, sources: Path, job_of: Callable[..., Job]) -> Path:
    """Return the folder of a ResNet of four blocks that has seen a few images."""
    if not (sources / "resnet").exists():
        run(job_of(*RESNET, "epochs=1", "seed=5", folder=sources / "resnet"))
    return sources / "resnet"


@pytest.fixture
def started(job_of: Callable[..., Job]) -> Callable[..., Started]:
    """Return a function from words of a command line to a module that is ready to train, notes and callbacks."""

    def start(*words: str) -> Started:
        experiment = job_of(*words).experiment
        L.seed_everything(experiment.seed, verbose=False)
        module = build_module(experiment, build_batches(experiment).facts)
        notes, callbacks = transfer(experiment, module)
        return module, notes, callbacks

    return start
