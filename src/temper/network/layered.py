"""What others ask of a network that they do not know: its blocks in order, its head, its units, and to spare memory."""

from abc import ABC, abstractmethod

from torch import nn

from temper.network.units import Units

Block = tuple[nn.Module, ...]  # parts that make one step of depth together


class Layered(nn.Module, ABC):
    """A network that is blocks in a row, with ``head``, a linear layer, behind them."""

    head: nn.Linear

    @abstractmethod
    def blocks(self) -> list[Block]:
        """Return the blocks from the input to the last before the head; together they hold all but the head once."""

    @abstractmethod
    def units(self) -> list[Units]:
        """Return the channels and neurons that may go, those that go together as one; none is in two of them."""

    @abstractmethod
    def recompute(self) -> None:
        """From now on keep what enters a block alone, and compute the rest of it again in the backward pass."""
