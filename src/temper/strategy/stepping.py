"""Contracts of how a network steps through a run: its groups, rates and batches, what is kept of it, when it stops."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar, Literal

import lightning as L
import torch
from torch import Tensor, nn

from temper.facts import Facts, ParameterGroup
from temper.quantity import Clock, Span, span_steps
from temper.strategy.record import option
from temper.terms import Averager, Privatizer, Reaction


class Groups(ABC):
    """Which parameters share a rate and a decay."""

    by_depth: ClassVar[bool] = False  # whether it tells the blocks of ``module.network`` from its head

    @abstractmethod
    def build(self, module: nn.Module) -> list[ParameterGroup]:
        """Return groups that hold each parameter of ``module`` that wants a gradient exactly once."""


class Optimizer(ABC):
    """How a gradient becomes a step."""

    lr: float

    @property
    def rate_key(self) -> str:
        """Return the key beneath ``optimizer`` that the user sets the rate by."""
        return "lr"

    @property
    def passes(self) -> int:
        """Return how many gradients one step takes."""
        return 1

    @property
    def paces_itself(self) -> bool:
        """Return whether a schedule of the rate would work against it."""
        return False

    @property
    def averages(self) -> bool:
        """Return whether ``shown`` has other weights to evaluate than those that are trained."""
        return False

    @property
    def counted(self) -> tuple[str, ...]:
        """Return the keys of its groups that say how far it is; all others are knobs."""
        return ()

    def multiply_adds(self, weights: Mapping[str, Tensor]) -> int:
        """Return those of the matrix products that a step by ``weights``, by name, takes beside its passes."""
        return 0

    def check(self, steps: int) -> None:  # noqa: B027 - most go with a run of any length
        """Refuse a run of so few ``steps`` that a knob would do nothing; a ValueError says the way out."""

    @abstractmethod
    def build(self, groups: Sequence[ParameterGroup]) -> torch.optim.Optimizer:
        """Return the optimizer of ``groups``.

        Of one that takes two gradients a step, ``ascending`` says whether the first of them is being taken: that one is
        recorded and moves batch-norm statistics, the second is clipped.
        """

    def shown(self, optimizer: torch.optim.Optimizer) -> dict[nn.Parameter, Tensor] | None:
        """Return the weights to evaluate where it ``averages``; None before it has any. Changes nothing."""
        return None


class Scheduler(ABC):
    """How the learning rate changes over a run, after an optional linear warm-up."""

    validates: ClassVar[bool] = False  # whether it reacts to validation
    warmup: Span

    def reaction(self, better: Literal["max", "min"]) -> Reaction | None:
        """Return what changes the rate by what validation measures, on top of ``factor``; None for nothing."""
        return None

    @abstractmethod
    def factor(self, step: int, clock: Clock) -> float:
        """Return what the base rate is multiplied by at ``step`` of ``clock``, warm-up left aside."""

    def warmed_factor(self, step: int, clock: Clock) -> float:
        """Return the factor with the warm-up: (step + 1) / warm-up steps, then ``factor`` of what is left."""
        warmup = min(span_steps(self.warmup, clock), clock.total_steps)
        if step < warmup:
            return (step + 1) / warmup
        rest = (start - warmup for start in clock.epoch_starts if start > warmup)
        return self.factor(step - warmup, Clock((0, *rest)) if warmup else clock)


class Averaging(ABC):
    """Which average of the weights is evaluated and kept in place of those that are trained."""

    def check(self, clock: Clock) -> None:  # noqa: B027 - most go with any
        """Refuse a run that ends before the average begins; a ValueError says the way out."""

    @abstractmethod
    def averager(self, clock: Clock) -> Averager | None:
        """Return what averages while a run lasts; None for nothing."""


class Privacy(ABC):
    """What is promised to those whose examples are learned from."""

    @property
    def by_length(self) -> bool:
        """Return whether what is done at a step hangs on how long the run is."""
        return False

    @abstractmethod
    def privatizer(
        self, network: nn.Module, facts: Facts, chance: Callable[[int], float | None], seed: int
    ) -> Privatizer | None:
        """Return what keeps examples private while ``network`` is trained; None for nothing.

        Args:
            network: which treats each example by itself.
            facts: of the run.
            chance: how likely each example is in each batch of an epoch of so many steps.
            seed: of the noise.

        Raises:
            ValueError: the promise cannot be kept on such data; names the knob.
        """


class BatchGrowth(ABC):
    """How the global batch grows from epoch to epoch."""

    @abstractmethod
    def size(self, first: int, epoch: int, epochs: int) -> int:
        """Return the batch size of ``epoch``, counted from 0 of ``epochs``, in a run that begins with ``first``."""

    def check(self, first: int, epochs: int) -> None:
        """Refuse a run in which no batch grows; a ValueError says the way out."""
        last = self.size(first, epochs - 1, epochs)
        if last <= first:
            raise ValueError(
                f"batch_growth={option(self)} ends epochs={epochs} with the batch_size={first} that it begins with: let"
                " it grow earlier or higher by its knobs, or choose batch_growth=none"
            )


class Stopping(ABC):
    """When training ends before its last epoch."""

    validates: ClassVar[bool]  # whether it watches validation
    gradient: ClassVar[bool] = False  # whether it watches the gradient's norm, which is then recorded

    @abstractmethod
    def callback(self, metric: str, better: Literal["max", "min"], target: float | None, settled: int) -> L.Callback:
        """Return the callback that stops training; it holds its state in the checkpoint.

        ``metric`` is the key of ``trainer.callback_metrics`` that validation is judged by, ``better`` where it
        improves to, ``target`` what the user wants reached, ``settled`` the first step at which it may stop.
        """
