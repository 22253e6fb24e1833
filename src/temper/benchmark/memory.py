"""What activation checkpointing saves and costs: bytes kept from the forward to the backward pass, and a step's time.

Bytes are counted where autograd keeps a tensor, each storage once, the weights left out, so that they are the same on
every device. While a block is computed again, its own activations come on top.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from rich.table import Table
from torch import Tensor, nn

from temper.benchmark.case import CIFAR, Case, Stopwatch, ratio, take_turns
from temper.report.units import in_seconds

MEMORY = {
    "resnet20": CIFAR,
    "resnet20_dense": (*CIFAR, "task.connection=dense"),
    "resnet18": (*CIFAR, "task.stages=4", "task.depth=18"),
}
KEPT = {"all": "null", "blocks": "blocks"}  # what is kept, by the value of activation_checkpointing


def kept_bytes(network: nn.Module, inputs: Tensor) -> int:
    """Return the bytes that a training pass over ``inputs`` keeps for the backward pass."""
    weights = {weight.untyped_storage().data_ptr() for weight in network.parameters()}
    storages: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            storages[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        answer = network(inputs)  # alive until all is counted, so that no place in memory is counted for two tensors
    del answer
    return sum(storages.values())


def measure_memory(names: Sequence[str], root: str, seconds: float, rounds: int) -> tuple[Table, dict[str, Any]]:
    """Return a table and the figures of the networks ``names``, over one batch of 128 random images."""
    table = Table(title="kept for the backward pass of 128 images, and the time of both passes", title_justify="left")
    for column in ("network", "MiB", "blocks", "ratio", "time", "blocks", "ratio"):
        table.add_column(column, justify="right" if column != "network" else "left")
    found: dict[str, dict[str, Any]] = {"kept_bytes": {}, "ratio_memory": {}, "ratio_step": {}}
    for name in names:
        networks = {
            kept: Case.of((*MEMORY[name], f"activation_checkpointing={value}"), root).module().network.train()
            for kept, value in KEPT.items()
        }
        inputs = torch.randn(128, 3, 32, 32, generator=torch.Generator().manual_seed(0))
        size = {kept: kept_bytes(network, inputs) for kept, network in networks.items()}
        taken = take_turns(
            {kept: partial(_block, network, inputs, seconds) for kept, network in networks.items()}, rounds
        )
        found["kept_bytes"][name] = size
        found["ratio_memory"][name] = round(size["blocks"] / size["all"], 3)
        found["ratio_step"][name] = round(ratio(taken["blocks"], taken["all"]), 3)
        cells = [f"{size[kept] / 2**20:.1f}" for kept in KEPT]
        times = [in_seconds(min(taken[kept])) for kept in KEPT]
        table.add_row(name, *cells, str(found["ratio_memory"][name]), *times, str(found["ratio_step"][name]))
    return table, {"benchmark": "memory", **found}


def _block(network: nn.Module, inputs: Tensor, seconds: float) -> float:
    watch = Stopwatch(seconds)
    while True:
        network(inputs).square().sum().backward()
        if watch.tick():
            return watch.per_step
