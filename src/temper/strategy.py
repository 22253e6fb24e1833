"""What a strategy is, and what each axis asks of one: the design on one page.

A strategy is a frozen, keyword-only record whose fields are the knobs of its YAML file. It checks itself as it is made;
``build`` (or the method named below) takes what only a run knows. No strategy sees the configuration, the Trainer or
another strategy.

What contracts hand to each other, and the shapes of predictions and targets, stand in `temper.facts`.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeVar, cast, dataclass_transform

import lightning as L
import torch
from lightning.pytorch.loggers import Logger as LightningLogger
from pydantic import ConfigDict
from pydantic.dataclasses import dataclass
from torch import Generator, Tensor, nn

from temper.facts import Examples, Facts, Kind, ParameterGroup, Splits
from temper.quantity import Clock, Span, span_steps
from temper.terms import Distiller, Weigher

T = TypeVar("T")
LossFunction = Callable[[Tensor, Tensor, float], Tensor]  # prediction, target, progress in [0, 1] -> (n,)
PenaltyFunction = Callable[[Mapping[str, Tensor]], Tensor]  # parameters by name -> scalar
Teach = Callable[[str], nn.Module]  # the name of a run or checkpoint -> its network, in eval mode


@dataclass_transform(frozen_default=True, kw_only_default=True)
def strategy(cls: type[T]) -> type[T]:
    """Make ``cls`` a frozen record: its fields are checked, and unknown ones refused, as it is made."""
    return cast("type[T]", dataclass(frozen=True, kw_only=True, config=ConfigDict(extra="forbid"))(cls))


class Task(ABC):
    """Which network learns, and how its answers are judged."""

    images: ClassVar[bool]  # whether inputs are images (channels, height, width); otherwise one row of features
    kinds: ClassVar[tuple[Kind, ...]]

    @abstractmethod
    def network(self, facts: Facts) -> nn.Module:
        """Return a fresh network from inputs (n, ``*facts.shape``) to predictions."""

    @abstractmethod
    def module(self, network: nn.Module, ingredients: Any) -> L.LightningModule:
        """Return this task's LightningModule around ``network``, which trains it by ``ingredients``."""


class Data(ABC):
    """Where examples come from."""

    images: ClassVar[bool]
    validation: float  # share or number of the training examples that is set apart; 0 for none
    drop_last: bool  # whether an epoch's last, smaller batch is left out

    @property
    @abstractmethod
    def classes(self) -> int:
        """Return the number of classes; 0 for a regression."""

    @property
    def validates(self) -> bool:
        """Return whether examples are set apart to choose a checkpoint by."""
        return self.validation > 0

    def prepare(self) -> None:  # noqa: B027 - most data needs no preparation
        """Fetch what is missing, perhaps in several processes at once; a ValueError names the place and the way out."""

    @abstractmethod
    def splits(self) -> Splits:
        """Return the examples, the same whatever the seed."""

    @abstractmethod
    def read(self, path: Path) -> Tensor:
        """Return the raw inputs (n, ...) that the user's file holds, as ``splits`` has them.

        A ValueError names the file and what is wrong with it.
        """


class Preprocessing(ABC):
    """What happens to every input, in training and ever after; floats in, floats out."""

    images: ClassVar[bool]  # whether it is for images, or for rows of numbers

    @abstractmethod
    def fit(self, train: Examples) -> dict[str, Tensor]:
        """Return what must be remembered of the training examples (images scaled to [0, 1])."""

    @abstractmethod
    def apply(self, inputs: Tensor, fitted: Mapping[str, Tensor]) -> Tensor:
        """Return the preprocessed inputs (n, ...)."""

    def target_scale(self, train: Examples) -> tuple[float, float]:
        """Return the mean and the deviation that a regression's targets are standardised by: (0, 1) for as they are."""
        return 0.0, 1.0


class Sampling(ABC):
    """Which training examples an epoch holds, and in which order: alike on every process."""

    @abstractmethod
    def check(self, classes: int) -> None:
        """Refuse data of ``classes`` (0: a regression) that cannot be sampled so; a ValueError says the way out."""

    @abstractmethod
    def size(self, targets: Tensor) -> int:
        """Return how many examples an epoch holds, given the training targets (n,)."""

    @abstractmethod
    def indices(self, targets: Tensor, generator: Generator) -> Tensor:
        """Return the rows of one epoch's examples, (size,), in order, by draws from ``generator`` alone."""


class Augmentation(ABC):
    """How a training batch is varied, each image by its own draw.

    ``draw`` is called for the whole global batch, on the CPU, so that draws do not depend on the number of processes.
    """

    wants: ClassVar[Literal["any", "pixels", "values"]]  # pixels: uint8, before preprocessing; values: floats, after it
    mixes: ClassVar[bool] = False  # whether targets are mixed: they then come soft, (n, k) or floats (n,)
    images: ClassVar[bool] = True  # whether it is for images only
    recalls: ClassVar[bool] = False  # whether something hangs on the example and the epoch, not on the batch

    def recall(self, lots: Tensor, epoch: int) -> dict[str, Tensor]:
        """Return what joins the draw where ``recalls``; ``lots`` (n,) in [0, 1) are each example's for good."""
        return {}

    @abstractmethod
    def draw(self, parts: Sequence[int], shape: tuple[int, ...], generator: Generator) -> dict[str, Tensor]:
        """Return tensors of one row an image, ``sum(parts)`` rows of inputs shaped ``shape``.

        A batch is split into ``parts``, one after the other. A mixing partner lies within the same part and is named
        by how many rows it lies ahead, so that the draw holds in any cut of the batch along its parts.
        """

    @abstractmethod
    def apply(self, inputs: Tensor, targets: Tensor, drawn: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Return varied copies of inputs (n, ...) and their targets; the arguments stay as they were."""


class Initialization(ABC):
    """Which weights training starts from."""

    @abstractmethod
    def apply(self, network: nn.Module) -> None:
        """Overwrite the parameters of ``network`` in place, drawing from torch's default generator."""


class Loss(ABC):
    """How wrong a prediction is."""

    @abstractmethod
    def kind(self, classes: int) -> Kind:
        """Return what the network's outputs mean under this loss when the data has ``classes`` (0: a regression).

        Raises:
            ValueError: this loss does not fit such data; names a loss that does.
        """

    @abstractmethod
    def build(self, facts: Facts) -> LossFunction:
        """Return the function from prediction, target and progress to one value an example, (n,)."""


class Penalty(ABC):
    """What is added to the loss for the sake of the weights themselves; it holds its own factor."""

    @abstractmethod
    def build(self, facts: Facts) -> PenaltyFunction:
        """Return the function from the network's named parameters to a scalar."""


class Distillation(ABC):
    """What is learned from a teacher beside the targets."""

    kinds: ClassVar[tuple[Kind, ...]]
    teacher: str  # a run's folder or a checkpoint in one
    weight: float

    @abstractmethod
    def build(self, facts: Facts, teach: Teach) -> Distiller:
        """Return the distiller; ``teach`` gives the teacher's network."""


class Weighting(ABC):
    """How several terms become one."""

    @abstractmethod
    def build(self, shares: Mapping[str, float]) -> Weigher:
        """Return the weigher of the terms named in ``shares``, each with the weight that the user gave it."""


class Groups(ABC):
    """Which parameters share a rate and a decay."""

    @abstractmethod
    def build(self, module: nn.Module) -> list[ParameterGroup]:
        """Return groups that hold each parameter of ``module`` that wants a gradient exactly once."""


class Optimizer(ABC):
    """How a gradient becomes a step."""

    lr: float

    @abstractmethod
    def build(self, groups: Sequence[ParameterGroup]) -> torch.optim.Optimizer:
        """Return the optimizer of ``groups``."""


class Scheduler(ABC):
    """How the learning rate changes over a run, after an optional linear warm-up."""

    warmup: Span

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


class Stopping(ABC):
    """When training ends before its last epoch."""

    validates: ClassVar[bool]  # whether it watches validation

    @abstractmethod
    def callback(self, metric: str, better: Literal["max", "min"], target: float | None, settled: int) -> L.Callback:
        """Return the callback that stops training; it holds its state in the checkpoint.

        ``metric`` is the key of ``trainer.callback_metrics`` that validation is judged by, ``better`` where it
        improves to, ``target`` what the user wants reached, ``settled`` the first step at which it may stop.
        """


class Pruning(ABC):
    """Which weights are removed, and when."""

    @property
    @abstractmethod
    def settled(self) -> float:
        """Return the share of the run after which nothing more is removed: only then a checkpoint may be chosen."""

    @abstractmethod
    def callback(self, clock: Clock) -> L.Callback:
        """Return the callback that does it; it acts on ``module.network`` and holds its state in the checkpoint."""


class Trainer(ABC):
    """The machine: what belongs to it and not to the method."""

    threads: int | Literal["auto"]

    @abstractmethod
    def arguments(self) -> dict[str, Any]:
        """Return the machine's arguments of Lightning's Trainer; ValueError: this machine lacks what was asked for."""


class Logger(ABC):
    """Where metrics go beside metrics.csv."""

    @abstractmethod
    def build(self, folder: Path, config: Mapping[str, Any]) -> LightningLogger:
        """Return Lightning's logger for the run in ``folder``."""

    @abstractmethod
    def finish(self, failed: bool) -> None:
        """End the log, also when training raised."""


class Debug(ABC):
    """A look at a run instead of a result."""

    @property
    @abstractmethod
    def shortened_to(self) -> int | None:
        """Return the steps after which the run ends, its evaluations cut as well; None for all of them."""

    @property
    @abstractmethod
    def memorised(self) -> int | None:
        """Return how many training examples are used, unaugmented, and evaluated on; None for all of them."""

    @abstractmethod
    def callbacks(self, folder: Path) -> list[L.Callback]:
        """Return callbacks that look on and write into ``folder``."""
