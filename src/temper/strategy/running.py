"""Contracts of where a run trains, where its metrics go, and how it is looked at."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import lightning as L
from lightning.pytorch.loggers import Logger as LightningLogger


class Trainer(ABC):
    """The machine: what belongs to it and not to the method."""

    threads: int | Literal["auto"]

    @property
    def shards(self) -> bool:
        """Return whether each process holds but a part of every weight of the network."""
        return False

    @abstractmethod
    def arguments(self) -> dict[str, Any]:
        """Return the machine's arguments of Lightning's Trainer; ValueError: this machine lacks what was asked for."""


class Logger(ABC):
    """Where metrics go beside metrics.csv."""

    @abstractmethod
    def build(self, folder: Path, config: Mapping[str, Any]) -> LightningLogger:
        """Return Lightning's logger for the run in ``folder``."""

    @abstractmethod
    def finish(self, failed: bool) -> str | None:
        """End the log, also when training raised; return where to find it, None where there is none."""


class Debug:
    """A look at a run instead of a result."""

    @property
    def shortened_to(self) -> int | None:
        """Return the steps after which the run ends, its evaluations cut as well; None for all of them."""
        return None

    @property
    def memorised(self) -> int | None:
        """Return how many training examples are used, unaugmented, and evaluated on; None for all of them."""
        return None

    def callbacks(self, folder: Path) -> list[L.Callback]:
        """Return callbacks that look on and write into ``folder``."""
        return []
