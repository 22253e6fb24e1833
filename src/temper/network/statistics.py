"""Statistics of batch norm, and ranges of layers to round: held still, or made right for averaged weights.

A norm that is held normalises by what it remembers, in training as in evaluation. That it tracks nothing tells everyone
below, and whoever computes the second gradient or a block again, to leave it as it is.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from temper.network.simulated import Simulated
from temper.network.synced_norm import SyncedBatchNorm

NORM = nn.modules.batchnorm._BatchNorm
KEEPING = (NORM, Simulated)  # layers that keep statistics of what they see


def hold_statistics(part: nn.Module) -> None:
    """Let each norm of ``part`` go by what it remembers, and keep that, until it is let go."""
    for layer in part.modules():
        if isinstance(layer, NORM):
            layer.eval()
            layer.track_running_stats = False


def let_statistics_go(part: nn.Module) -> None:
    """Let each norm of ``part``, which is being trained, go by the batch, and remember."""
    for layer in part.modules():
        if isinstance(layer, NORM):
            layer.train()
            layer.track_running_stats = True


@contextmanager
def frozen_statistics(network: nn.Module) -> Iterator[None]:
    """Train with each batch's own statistics, and leave the running ones as they are."""
    layers = [layer for layer in network.modules() if isinstance(layer, KEEPING) and layer.track_running_stats]
    for layer in layers:
        layer.track_running_stats = False
    try:
        yield
    finally:
        for layer in layers:
            layer.track_running_stats = True


@torch.no_grad()
def recompute_statistics(network: nn.Module, batches: Iterable[Tensor]) -> None:
    """Set the running statistics to the plain mean of those of ``batches`` (Izmailov et al., 2018, section 3.2).

    Every process is given the same batches, so that none has to hear of another's.
    """
    layers = [layer for layer in network.modules() if isinstance(layer, KEEPING) and layer.track_running_stats]
    if not layers:
        return
    before = {layer: layer.momentum for layer in layers}
    synced = [layer for layer in layers if isinstance(layer, SyncedBatchNorm)]
    flags = {module: module.training for module in network.modules()}
    network.eval()  # dropout would change what the layers see
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None  # of torch's: a cumulative mean
        layer.train()
    for norm in synced:
        norm.alone = True
    try:
        with torch.compiler.set_stance("force_eager"):
            for inputs in batches:
                network(inputs)
    finally:
        for norm in synced:
            norm.alone = False
        for layer, momentum in before.items():
            layer.momentum = momentum
        for module, flag in flags.items():
            module.training = flag
