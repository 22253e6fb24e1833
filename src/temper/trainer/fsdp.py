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

from temper.quantity import Switch
from temper.strategy import strategy
from temper.trainer.machine import backend
from temper.trainer.processes import Processes
from temper.trainer.sharded import Sharded


@strategy
class FSDP(Processes):
    """A part of every weight on each of the processes."""

    reshard: Switch

    @property
    def shards(self) -> bool:
        """Return that each process holds a part of every weight."""
        return True

    def together(self, on_gpu: bool) -> Sharded:
        """Return data parallel that cuts the network."""
        return Sharded(self.reshard, backend(on_gpu))
