"""Contracts of what makes a network smaller."""

from abc import ABC, abstractmethod

import lightning as L
from torch import nn

from temper.network.layered import Layered
from temper.quantity import Clock

REMOVED = "pruning"


class Remover(L.Callback, ABC):
    """What removes weights of ``module.network`` while a run lasts; its state is in the checkpoint."""

    @property
    def state_key(self) -> str:
        """Return the key of its state among those of callbacks."""
        return REMOVED

    @abstractmethod
    def remove(self, network: nn.Module) -> None:
        """Remove what is removed by now from ``network``, in which other weights may stand than those trained."""


class Pruning(ABC):
    """Which weights are removed, and when."""

    @property
    @abstractmethod
    def settled(self) -> float:
        """Return the share of the run after which nothing more is removed: only then a checkpoint may be chosen."""

    @property
    def begins(self) -> float:
        """Return the share of the run before which nothing is removed."""
        return 0.0

    def delivered(self, network: Layered) -> Layered:
        """Return what is measured and used of a trained ``network``: it, or a smaller one with the same answers."""
        return network

    @abstractmethod
    def callback(self, clock: Clock, seed: int) -> Remover | None:
        """Return the callback that does it; None for nothing. ``seed`` is of whatever it draws."""
