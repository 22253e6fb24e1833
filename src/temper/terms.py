"""What adds terms to the loss while a run lasts, and what weighs them: parts with parameters of their own."""

from abc import ABC, abstractmethod
from collections.abc import Mapping

from torch import Tensor, nn

from temper.facts import Answer


class Distiller(nn.Module, ABC):
    """What a distillation is while a run lasts; its own parameters join the optimizer, its teacher does not."""

    taps: tuple[str, ...] = ()  # the student's layers whose features it needs

    @abstractmethod
    def terms(self, inputs: Tensor, answer: Answer, target: Tensor) -> dict[str, Tensor]:
        """Return named values, one an example, (n,)."""


class Weigher(nn.Module, ABC):
    """What a weighting is while a run lasts; parameters join the optimizer, buffers the checkpoint."""

    @abstractmethod
    def forward(self, terms: Mapping[str, Tensor], progress: float) -> Tensor:
        """Return the scalar to minimise from scalar ``terms``."""

    @abstractmethod
    def weights(self) -> dict[str, Tensor | float]:
        """Return today's weight of each term, for the log."""
