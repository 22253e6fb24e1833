"""Contracts of what makes a network smaller."""

from abc import ABC, abstractmethod

import lightning as L

from temper.quantity import Clock


class Pruning(ABC):
    """Which weights are removed, and when."""

    @property
    @abstractmethod
    def settled(self) -> float:
        """Return the share of the run after which nothing more is removed: only then a checkpoint may be chosen."""

    @abstractmethod
    def callback(self, clock: Clock) -> L.Callback | None:
        """Return the callback that does it on ``module.network``, its state in the checkpoint; None for nothing."""
