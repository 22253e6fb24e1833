"""Data parallel over several processes, on one node or more (Li et al., 2020, "PyTorch Distributed", arXiv:2006.15704).

    g = 1/r * sum over the r processes of g_i      each process's gradient, of its own share of the global batch
    every process takes the same step by g         so the copies of the network stay equal

It helps where a step's arithmetic outweighs the exchange of its gradients: large batches on several GPUs. On CPUs gloo
carries the exchange, which serves to try things out. Start it as any run, or let torchrun or SLURM start the processes.
"""

from typing import Any, Literal

from temper.quantity import Count
from temper.strategy import Trainer, strategy
from temper.trainer.machine import data_parallel, processes


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
        machine = processes(self.accelerator, self.devices, self.nodes)
        return {**machine, "strategy": data_parallel(machine["accelerator"] == "gpu")}
