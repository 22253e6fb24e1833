"""Blocks in a row, whose activations need not be kept for the backward pass."""

from functools import partial

from torch import Tensor, nn

from temper.network.layered import Block
from temper.network.recompute import recomputed


class Chain(nn.Sequential):
    """A Sequential in which so many modules, ``parts``, make a block.

    Attributes:
        parts: modules of a block.
        recomputes: whether a block's activations are computed again in the backward pass.
    """

    parts = 1
    recomputes = False

    def blocks(self) -> list[Block]:
        """Return the blocks in order."""
        modules = tuple(self)
        return [modules[start : start + self.parts] for start in range(0, len(modules), self.parts)]

    def forward(self, inputs: Tensor) -> Tensor:
        """Return what the last block makes of what the one before it made, and so on."""
        for block in self.blocks():
            inputs = recomputed(partial(through, block), block, inputs) if self.recomputes else through(block, inputs)
        return inputs


def through(block: Block, inputs: Tensor) -> Tensor:
    """Return ``inputs`` after all parts of ``block``."""
    for part in block:
        inputs = part(inputs)
    return inputs
