"""Fully sharded data parallel: no process holds all weights (Zhao et al., 2023, "PyTorch FSDP", arXiv:2304.11277).

    of r processes, each keeps 1/r of every weight, of its gradient and of what the optimizer remembers
    before a block computes, its weights are gathered from all; afterwards the copies are dropped (``reshard``)
    g = 1/r * sum over the r processes of g_i      each receives the sum of its own part alone

The steps are those of `trainer=ddp`, and so are the checkpoints: a run may go on by another trainer. It helps where
weights, gradients and the optimizer's state together do not fit one device, as under adam, which takes four times the
weights; where they do, `ddp` sends less. The weights alone must fit: the test at the end has them whole. With
``reshard`` false the gathered weights stay until the backward pass: a third less to send, for more memory. A rule over
whole matrices (muon) gathers them and works out the same on every process.
"""

from typing import Any, Literal

from temper.quantity import Count, Switch
from temper.strategy import Trainer, strategy
from temper.trainer.machine import backend, processes
from temper.trainer.sharded import Sharded


@strategy
class FSDP(Trainer):
    """``devices`` processes on each of ``nodes`` machines, the weights cut among all of them."""

    accelerator: Literal["auto", "cpu", "gpu"]
    devices: Count | Literal["auto"]
    nodes: Count
    threads: Count | Literal["auto"]
    reshard: Switch

    @property
    def shards(self) -> bool:
        """Return that each process holds a part of every weight."""
        return True

    def arguments(self) -> dict[str, Any]:
        """Return the machine's arguments of Lightning's Trainer.

        Raises:
            ValueError: this machine has no GPU, or not as many as were asked for.
        """
        machine = processes(self.accelerator, self.devices, self.nodes)
        return {**machine, "strategy": Sharded(self.reshard, backend(machine["accelerator"] == "gpu"))}
