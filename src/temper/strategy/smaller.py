"""Contracts of what makes a network smaller."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import lightning as L
from torch import nn

from temper.network.layered import Layered
from temper.quantity import Clock


class Remover(L.Callback, ABC):
    """What removes something of ``module.network`` while a run lasts; its state is in the checkpoint.

    Attributes:
        axis: whose it is.
    """

    axis: ClassVar[str]
    _step = 0

    @property
    def state_key(self) -> str:
        """Return the key of its state among those of callbacks."""
        return self.axis

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Begin where the run stands."""
        self._step = trainer.global_step
        self.begin(pl_module.get_submodule("network"), self._step)

    def on_train_batch_end(
        self, trainer: L.Trainer, pl_module: L.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Do what is due after a step; nothing after a part of an accumulated batch."""
        if trainer.global_step != self._step:
            self._step = trainer.global_step
            self.follow(pl_module.get_submodule("network"), self._step)

    @abstractmethod
    def begin(self, network: nn.Module, step: int) -> None:
        """Remove what is due by now: what a checkpoint says, and what a start at step 0 asks for."""

    @abstractmethod
    def follow(self, network: nn.Module, step: int) -> None:
        """Remove what is due after so many steps, and again what was removed before."""

    @abstractmethod
    def remove(self, network: nn.Module) -> None:
        """Remove what is removed by now from ``network``, in which other weights may stand than those trained."""


class Smaller(ABC):
    """What makes a network smaller, and when."""

    learns: ClassVar[bool] = False  # whether it is more than what is done at the end: training goes by it, or again

    @abstractmethod
    def settled(self, clock: Clock) -> int:
        """Return the step from which the network is as small as it will be: before, no checkpoint may be chosen."""

    def begins(self, clock: Clock) -> int:
        """Return the step before which the network is whole."""
        return 0

    def check(self, clock: Clock) -> None:  # noqa: B027 - most go with any
        """Refuse a run that is too short for it; a ValueError says the way out."""

    def delivered(self, network: Layered) -> Layered:
        """Return what is measured and used of a trained ``network``: it, or a smaller one with the same answers."""
        return network

    @abstractmethod
    def callback(self, clock: Clock, seed: int) -> L.Callback | None:
        """Return the callback that does it; None for nothing. ``seed`` is of whatever it draws."""

    def note(self, network: nn.Module) -> str | None:
        """Return what of ``network`` is spared that one would not expect, for the report; None for nothing.

        Raises:
            ValueError: there is nothing in ``network`` to remove; names the knob.
        """
        return None

    def outcome(self, network: Layered) -> str | None:
        """Return what was made of a trained ``network`` that no figure says, for the report; None for nothing."""
        return None


class Unchanged(Smaller):
    """Nothing is made smaller."""

    def begins(self, clock: Clock) -> int:
        """Return the end of the run."""
        return clock.total_steps

    def settled(self, clock: Clock) -> int:
        """Return 0: the network is whole from the start."""
        return 0

    def callback(self, clock: Clock, seed: int) -> L.Callback | None:
        """Return None."""
        return None


class Pruning(Smaller):
    """Which weights are removed."""

    rewinds: ClassVar[bool] = False  # whether it goes back to earlier weights
    groups_inputs: ClassVar[bool] = False  # whether it asks that layers have so and so many inputs

    def lap(self, step: int, clock: Clock) -> tuple[int, Clock]:
        """Return where ``step`` lies in the training that it belongs to, and that training's clock: the run is one."""
        return step, clock


class LowRank(Smaller):
    """Which layers become two of less rank."""

    @property
    def asked(self) -> str:
        """Return what decides how a layer is cut, as words of the command line."""
        return "low_rank=none"


class Quantization(Smaller):
    """Which layers hold whole numbers in the end, and whether training knows."""

    watches: ClassVar[bool] = False  # whether ranges are taken of training examples

    def prepared(self, network: Layered) -> Layered:
        """Return ``network``, before weights are drawn or loaded, with layers that can be rounded."""
        return network

    def plain(self, network: Layered) -> Layered:
        """Return ``network`` as it computes where nothing is rounded: what it is compared with."""
        return network
