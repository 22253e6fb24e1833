"""Weights of one network put into another, block by block: a block is taken whole or not at all."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from temper.network.layered import Block, Layered
from temper.network.simulated import RANGE

_COUNTER = "num_batches_tracked"  # of a batch norm: old files lack it, and no answer depends on it


@torch.no_grad()
def take(network: Layered, weights: Mapping[str, Tensor]) -> list[bool]:
    """Copy ``weights`` into each block, and last the head, whose state has the same names and shapes there.

    A head weighs what the blocks in front of it have learned, and stays new where all of them do.

    Returns:
        Whether each was taken.
    """
    state = network.state_dict()
    taken: list[bool] = []
    for block in parts(network):
        prefixes = tuple(f"{name}." for name in names(network, block))
        own = {name: value for name, value in state.items() if name.startswith(prefixes)}
        found = {name: value for name, value in weights.items() if name.startswith(prefixes)}
        alone = network.head in block and bool(taken) and not any(taken)
        fits = _shapes(own) == _shapes(found) and not alone
        for name, value in found.items() if fits else ():
            if name in own and not name.endswith(RANGE):
                own[name].copy_(value)
        taken.append(fits)
    return taken


def parts(network: Layered) -> list[Block]:
    """Return the blocks of ``network``, and its head as the last."""
    return [*network.blocks(), (network.head,)]


def names(network: nn.Module, block: Block) -> list[str]:
    """Return what ``network`` calls those parts of ``block`` that have a state."""
    called = {id(module): name for name, module in network.named_modules()}
    return [called[id(part)] for part in block if part.state_dict()]


def _shapes(state: Mapping[str, Tensor]) -> dict[str, torch.Size]:
    return {name: value.shape for name, value in state.items() if not name.endswith((_COUNTER, *RANGE))}
