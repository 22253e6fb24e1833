"""Contracts of a sweep: how its values are chosen, how long each trial is trained, and where trials run."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from temper.search.space import Setting, Space


@dataclass
class Trial:
    """One setting, and what came of it.

    Attributes:
        drawn: the value of each key that is searched.
        rung: the one up to which it is trained, from 0.
        losses: one for each rung that it has reached, lower is better; None where it failed.
    """

    drawn: Setting
    rung: int = 0
    losses: list[float | None] = field(default_factory=list)

    @property
    def judged(self) -> bool:
        """Return whether it has reached its rung, or failed on the way."""
        return len(self.losses) > self.rung

    @property
    def loss(self) -> float:
        """Return that of its rung; infinity where it failed or has none yet."""
        last = self.losses[self.rung] if self.judged else None
        return float("inf") if last is None else last


class Search(ABC):
    """How the values of a sweep are chosen."""

    def rungs(self, epochs: int) -> tuple[int, ...]:
        """Return the epochs after which trials are compared; the last one is ``epochs``, those of a whole run.

        Raises:
            ValueError: names the key and the way out.
        """
        return (epochs,)

    @abstractmethod
    def proposed(self, space: Space, trials: Sequence[Trial], jobs: int) -> list[Setting]:
        """Return the settings to try next, given all that were tried, each of them judged; none when it is over.

        ``jobs`` trials run at a time: who learns from trials proposes no more than that.

        Raises:
            ValueError: the space does not fit; names the key and the way out.
        """

    def promoted(self, trials: Sequence[Trial], rungs: int) -> list[int]:
        """Return which of ``trials``, all judged, are trained up to the next of so many rungs."""
        return []


RunTrial = Callable[[Sequence[str], Path | None], int]
"""Run a command to its end, what it prints added to a file or shown here, and return its exit status."""


class Launcher(ABC):
    """Where the trials of a sweep run, each a process of its own."""

    jobs: int  # trials at a time

    @property
    def shows(self) -> bool:
        """Return whether what a trial prints is shown where it has no file to go to."""
        return False

    def objection(self, trainer: Mapping[str, Any]) -> str | None:
        """Return why a trial of these values of the trainer cannot be started here, and the way out; None if it can."""
        return None

    @abstractmethod
    def opened(self, folder: Path) -> AbstractContextManager[RunTrial]:
        """Return what runs trials for as long as it is entered; ``jobs`` threads call it, ``folder`` is the sweep's.

        Raises:
            ValueError: on entering, what was asked for is not here; names the key and the way out.
        """
