"""Lightning's data parallel with every weight in parts, one on each process (torch's FSDP2, ``fully_shard``).

What differs from Lightning's own ``ModelParallelStrategy`` over the same functions: it runs on a CPU and in float64
too, and a checkpoint is what one process would have written, so that any trainer goes on from any checkpoint.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch.strategies import DDPStrategy
from lightning.pytorch.trainer.states import TrainerFn
from torch import Tensor
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard

from temper.network.layered import Layered
from temper.sharding import placed_like, whole


class Sharded(DDPStrategy):
    """Cuts the network block by block when training is set up.

    Args:
        reshard: whether a block's gathered weights are dropped after its forward pass, and gathered once more in the
            backward pass.
        process_group_backend: as of `DDPStrategy`.
    """

    def __init__(self, reshard: bool, process_group_backend: str | None) -> None:
        super().__init__(process_group_backend=process_group_backend)
        self.reshard = reshard

    def model_to_device(self) -> None:
        """Leave the network where it is while it is whole: a device need not hold all of it beside the rest."""
        assert self.lightning_module is not None
        if self.lightning_module.trainer.state.fn is not TrainerFn.FITTING:
            super().model_to_device()

    def configure_ddp(self) -> None:
        """Cut the network; Lightning calls it where it would wrap the module for DDP."""
        assert self.lightning_module is not None
        network: Any = self.lightning_module.network
        assert isinstance(network, Layered)
        for weight in network.parameters():  # torch cuts these alone; what is channels-last stays so for the inputs
            weight.data = weight.data.contiguous()
        mesh = init_device_mesh(self.root_device.type, (self.world_size,))
        for block in network.blocks():
            fully_shard(list(block), mesh=mesh, reshard_after_forward=self.reshard)
        fully_shard(network, mesh=mesh, reshard_after_forward=self.reshard)  # the head, which no block holds
        super().model_to_device()

    def load_optimizer_state_dict(self, checkpoint: Mapping[str, Any]) -> None:
        """Take the optimizer's state of a checkpoint, each process its parts."""
        states = zip(checkpoint["optimizer_states"], self.optimizers, strict=True)
        cut = [_cut(state, optimizer) for state, optimizer in states]
        super().load_optimizer_state_dict({**checkpoint, "optimizer_states": cut})

    def save_checkpoint(self, checkpoint: dict[str, Any], filepath: str | Path, storage_options: Any = None) -> None:
        """Write a checkpoint of whole tensors, from the first process."""
        super().save_checkpoint(whole(checkpoint, kept=self.is_global_zero), filepath, storage_options)

    def on_validation_start(self) -> None:
        """Let every process validate by the first one's statistics, as data parallel does."""
        assert self.lightning_module is not None
        for buffer in self.lightning_module.buffers():
            torch.distributed.broadcast(buffer, src=0)


def _cut(state: Mapping[str, Any], optimizer: torch.optim.Optimizer) -> dict[str, Any]:
    """Return an optimizer's ``state`` with this process's part of all that is remembered entry by entry."""
    numbers = [number for group in state["param_groups"] for number in group["params"]]
    weights = [weight for group in optimizer.param_groups for weight in group["params"]]
    held = {
        number: {
            name: placed_like(value, weight) if isinstance(value, Tensor) and value.shape == weight.shape else value
            for name, value in state["state"].get(number, {}).items()
        }
        for number, weight in zip(numbers, weights, strict=True)
    }
    return {**state, "state": {number: each for number, each in held.items() if each}}
