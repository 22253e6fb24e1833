"""What strategies leave behind in a run that has a state of its own.

Distillers, weighers, averagers, reactions, privatizers.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from temper.facts import Answer
from temper.teacher import Teacher

ROUNDED = 1e-9  # how far weights that are meant to add up to 1 may be off it


def term_name(distillation: str, term: str) -> str:
    """Return what a run calls a term of a distillation: it is named once where both are called the same."""
    return distillation if term == distillation else f"{distillation}_{term}"


class Distiller(nn.Module, ABC):
    """What a distillation is while a run lasts; its own parameters join the optimizer, its teacher does not."""

    teacher: Teacher
    taps: tuple[str, ...] = ()  # the student's layers whose features it needs

    @abstractmethod
    def terms(self, inputs: Tensor, answer: Answer, target: Tensor) -> dict[str, Tensor]:
        """Return values, one an example, (n,), by the names that the distillation lists."""


class Weigher(nn.Module, ABC):
    """What a weighting is while a run lasts.

    Parameters join the optimizer, in a group of their own without weight decay. What else a run needs to go on is one
    tensor, alike on all processes, that ``get_extra_state`` returns: a buffer would be cast to the run's precision.
    """

    def watch(self, terms: Mapping[str, Tensor], share: float) -> None:
        """Take in a micro-batch's scalar ``terms`` before the gradient is taken.

        Summed over the micro-batches of a step, ``share`` · term averages over processes to the mean over the batch.
        """

    def end_step(self) -> None:
        """Draw the conclusions from a step; on all processes at once."""

    def end_epoch(self) -> None:
        """Draw the conclusions from an epoch; on all processes at once."""

    @abstractmethod
    def forward(self, terms: Mapping[str, Tensor], progress: float) -> Tensor:
        """Return the scalar to minimise from scalar ``terms``."""

    @abstractmethod
    def weights(self) -> dict[str, Tensor | float]:
        """Return today's weight of each term, for the log."""


class Averager(ABC):
    """What an averaging is while a run lasts."""

    @abstractmethod
    def update(self, network: nn.Module, step: int) -> None:
        """Take in the trained weights after ``step`` steps."""

    @abstractmethod
    def average(self) -> dict[str, Tensor] | None:
        """Return the average of each of the network's parameters by name; None before there is one."""

    @abstractmethod
    def state_dict(self) -> dict[str, Any]:
        """Return plain values and tensors."""

    @abstractmethod
    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from what ``state_dict`` returned."""


class Reaction(ABC):
    """How a schedule reacts to validation while a run lasts."""

    factor: float  # what the rate is multiplied by from now on

    @abstractmethod
    def see(self, value: float) -> None:
        """Take in what a validation measured."""

    @abstractmethod
    def state_dict(self) -> dict[str, Any]:
        """Return what was seen, as plain numbers."""

    @abstractmethod
    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from what ``state_dict`` returned."""


class Privatizer(ABC):
    """What keeps examples private while a run lasts: it puts a noisy gradient in the place of the true one."""

    @abstractmethod
    def enter(self) -> None:
        """Begin to look at each example's gradient."""

    @abstractmethod
    def leave(self) -> None:
        """Leave the network as it was found."""

    @abstractmethod
    def take(self, scale: float) -> None:
        """Take in the examples of the backward pass that has ended, each of whose gradients is ``scale`` times larger.

        With a ``scale`` of 0 they do not count.
        """

    @abstractmethod
    def release(self, step: int) -> None:
        """Make the gradient of step number ``step``, alike on all ranks, from what these have taken in since the last.

        It takes the place of the gradient of every parameter of the network that wants one.
        """

    @abstractmethod
    def spent(self) -> dict[str, float]:
        """Return what was promised and what it has cost by now, for the report: ``epsilon`` among others."""

    @abstractmethod
    def check(self, state: Mapping[str, Any] | None) -> None:
        """Refuse to go on from another run's ``state``, None if it promised nothing; a ValueError says why."""

    @abstractmethod
    def state_dict(self) -> dict[str, Any]:
        """Return what was spent, as plain numbers."""

    @abstractmethod
    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from what ``state_dict`` returned."""
