"""What the trainers of several processes share: how many, on which machines, and that each has its device."""

from abc import abstractmethod
from typing import Any, Literal

from lightning.pytorch.strategies import DDPStrategy

from temper.quantity import Count
from temper.strategy import Trainer, strategy
from temper.trainer.machine import gpus
from temper.trainer.started import started_here

_ON_CPU = 2  # the fewest that show what several do


@strategy
class Processes(Trainer):
    """``devices`` processes on each of ``nodes`` machines."""

    accelerator: Literal["auto", "cpu", "gpu"]
    devices: Count | Literal["auto"]
    nodes: Count
    threads: Count | Literal["auto"]

    @abstractmethod
    def together(self, on_gpu: bool) -> DDPStrategy:
        """Return Lightning's strategy for processes on GPUs, or on CPUs."""

    def arguments(self) -> dict[str, Any]:
        """Return the machine's arguments of Lightning's Trainer.

        Raises:
            ValueError: this machine has no GPU, or not as many as were asked for.
        """
        here = gpus()
        if self.accelerator == "gpu" and here == 0:
            raise ValueError(
                "trainer.accelerator=gpu: this machine has no GPU that torch can use: "
                "trainer.accelerator=auto or trainer.accelerator=cpu"
            )
        on_gpu = here > 0 and self.accelerator != "cpu"
        everyone = started_here() or (here if on_gpu else _ON_CPU)
        devices = everyone if self.devices == "auto" else self.devices
        if on_gpu and devices > here and self.devices == "auto":
            raise ValueError(
                f"trainer.devices=auto: {devices} processes were started on this node, and each sees"
                f" {here} {'GPU' if here == 1 else 'GPUs'}: let each see all of the node's (SLURM: --gpus-per-node, and"
                " no binding of tasks to GPUs)"
            )
        if on_gpu and devices > here:
            raise ValueError(
                f"trainer.devices={devices}: this machine has {here} {'GPU' if here == 1 else 'GPUs'} that torch can "
                "use: trainer.devices=auto for all, or trainer.accelerator=cpu"
            )
        return {
            "accelerator": "gpu" if on_gpu else "cpu",
            "devices": devices,
            "num_nodes": self.nodes,
            "strategy": self.together(on_gpu),
        }
