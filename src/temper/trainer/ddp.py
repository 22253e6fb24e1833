"""Data parallel over several processes, on one node or more (Li et al., 2020, "PyTorch Distributed", arXiv:2006.15704).

    g = 1/r * sum over the r processes of g_i      each process's gradient, of its own share of the global batch
    every process takes the same step by g         so the copies of the network stay equal

It helps where a step's arithmetic outweighs the exchange of its gradients: large batches on several GPUs. On CPUs gloo
carries the exchange, which serves to try things out. Start it as any run, or let torchrun or SLURM start the processes.
"""

import os
from typing import Any, Literal

from temper.quantity import Count
from temper.strategy import Trainer, strategy
from temper.trainer.machine import data_parallel, gpus

_PROCESSES_ON_CPU = 2  # the fewest that show what several do


@strategy
class DDP(Trainer):
    """``devices`` processes on each of ``nodes`` machines."""

    accelerator: Literal["auto", "cpu", "gpu"]
    devices: Count | Literal["auto"]
    nodes: Count
    threads: Count | Literal["auto"]

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
        devices = self.devices if self.devices != "auto" else self._all(here if on_gpu else _PROCESSES_ON_CPU)
        if on_gpu and devices > here:
            raise ValueError(
                f"trainer.devices={devices}: this machine has {here} {'GPU' if here == 1 else 'GPUs'} that torch can "
                "use: trainer.devices=auto for all, or trainer.accelerator=cpu"
            )
        return {
            "accelerator": "gpu" if on_gpu else "cpu",
            "devices": devices,
            "num_nodes": self.nodes,
            "strategy": data_parallel(on_gpu),
        }

    @staticmethod
    def _all(here: int) -> int:
        # torchrun has already decided how many processes there are on this node.
        return int(os.environ.get("LOCAL_WORLD_SIZE", here))
