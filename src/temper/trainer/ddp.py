"""Data parallel over several processes, on one node or more (Li et al., 2020, "PyTorch Distributed", arXiv:2006.15704).

    g = 1/r * sum over the r processes of g_i      each process's gradient, of its own share of the global batch
    every process takes the same step by g         so the copies of the network stay equal

It helps where a step's arithmetic outweighs the exchange of its gradients: large batches on several GPUs. On CPUs gloo
carries the exchange, which serves to try things out. Start it as any run, or let torchrun or SLURM start the processes.
"""

from lightning.pytorch.strategies import DDPStrategy

from temper.strategy import strategy
from temper.trainer.machine import data_parallel
from temper.trainer.processes import Processes


@strategy
class DDP(Processes):
    """All weights on each of the processes."""

    def together(self, on_gpu: bool) -> DDPStrategy:
        """Return Lightning's data parallel."""
        return data_parallel(on_gpu)
