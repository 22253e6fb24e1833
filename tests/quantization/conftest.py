"""Short runs that are rounded, and what they leave."""

from pathlib import Path

import torch
from torch import nn

from temper.network.int8 import Int8
from temper.network.layered import Layered
from temper.training.trained import Trained, network_of

WORDS = ("epochs=3", "batch_size=300", "trainer=cpu", "trainer.threads=1", "checkpoint_seconds=1e-9", "flush_every=3")
# 4 steps an epoch: ranges are taken from the seventh step on, in the second epoch.
ROUNDED = (*WORDS, "quantization.start=0.5", "task.hidden=[32]")


def delivered(folder: Path) -> Layered:
    trained = Trained.find(str(folder), "RUN")
    network = network_of(trained.experiment(), trained.checkpoint())
    assert isinstance(network, Layered)
    return network


def whole_layers(network: nn.Module) -> list[Int8]:
    return [layer for layer in network.modules() if isinstance(layer, Int8)]


def state(folder: Path, name: str = "last") -> dict[str, torch.Tensor]:
    loaded: dict[str, torch.Tensor] = torch.load(folder / "checkpoints" / f"{name}.ckpt", weights_only=True)[
        "state_dict"
    ]
    return loaded
