"""Contracts of what is learned, and of the way of an example from disk to the network."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

import lightning as L
from torch import Generator, Tensor, nn

from temper.facts import Examples, Facts, Kind, Splits
from temper.network.layered import Layered


class Task(ABC):
    """Which network learns, and how its answers are judged."""

    images: ClassVar[bool]  # whether inputs are images (channels, height, width); otherwise one row of features
    any_size: ClassVar[bool] = False  # whether one network takes images of any size
    kinds: ClassVar[tuple[Kind, ...]]

    @property
    def mixes_examples(self) -> bool:
        """Return whether an example's answer hangs on the others of its batch in training, as under batch norm."""
        return False

    @property
    def scales_channels(self) -> bool:
        """Return whether a norm over the batch learns by how much each channel that may go is multiplied."""
        return False

    @property
    @abstractmethod
    def deep(self) -> bool:
        """Return whether the network has blocks before its head, rather than being the head alone."""

    @abstractmethod
    def network(self, facts: Facts) -> Layered:
        """Return a fresh network from inputs (n, ``*facts.shape``) to predictions."""

    @abstractmethod
    def module(self, network: nn.Module, ingredients: Any) -> L.LightningModule:
        """Return this task's LightningModule around ``network``, which trains it by ``ingredients``."""


class Data(ABC):
    """Where examples come from."""

    images: ClassVar[bool]
    picture: ClassVar[tuple[int, int] | None] = None  # height and width, where a row of numbers is a small grey image
    many: ClassVar[bool] = False  # whether images may be too many for memory: preprocessing is fitted on some of them
    validation: float  # share or number of the training examples that is set apart; 0 for none
    drop_last: bool  # whether an epoch's last, smaller batch is left out

    @property
    @abstractmethod
    def classes(self) -> int:
        """Return the number of classes; 0 for a regression."""

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Return the names of the columns of a row, in order; none where they have no names."""
        return ()

    @property
    def fills(self) -> tuple[float, ...]:
        """Return what stands in each of those columns where a value is missing; none where every value is needed."""
        return ()

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

    def places(self, origins: Sequence[int]) -> list[str]:
        """Return where in the user's files those examples stand that ``splits`` gives such ``origins``."""
        raise NotImplementedError(f"{type(self).__name__} gives its examples no origins")


class Preprocessing(ABC):
    """What happens to every input, in training and ever after; floats in, floats out."""

    images: ClassVar[bool]  # whether it is for images, or for rows of numbers

    @abstractmethod
    def fit(self, train: Examples) -> dict[str, Tensor]:
        """Return what must be remembered of the training examples (images scaled to [0, 1])."""

    @abstractmethod
    def apply(self, inputs: Tensor, fitted: Mapping[str, Tensor]) -> Tensor:
        """Return the preprocessed inputs (n, ...)."""

    def names(self, before: tuple[str, ...], fitted: Mapping[str, Tensor]) -> tuple[str, ...]:
        """Return the names of the columns of what comes out of rows whose columns are called ``before``."""
        return before

    def target_scale(self, train: Examples) -> tuple[float, float]:
        """Return the mean and the deviation that a regression's targets are standardised by: (0, 1) for as they are."""
        return 0.0, 1.0


class Sampling(ABC):
    """Which training examples an epoch holds, and in which order: alike on every process."""

    remembers: ClassVar[bool] = False  # whether it asks for the loss of each example when it was last learned from

    @abstractmethod
    def check(self, classes: int) -> None:
        """Refuse data of ``classes`` (0: a regression) that cannot be sampled so; a ValueError says the way out."""

    @abstractmethod
    def size(self, targets: Tensor) -> int:
        """Return how many examples an epoch holds at most, given the training targets (n,)."""

    def count(self, size: int, epoch: int, epochs: int) -> int:
        """Return how many examples ``epoch`` of so many holds, where at most ``size`` are held."""
        return size

    def narrowed(self, losses: Tensor, count: int, generator: Generator) -> Tensor:
        """Return the rows, (count,), that an epoch draws from where it ``remembers``; ``losses`` (n,) are the last.

        The loss of an example that was not seen yet is infinite.
        """
        raise NotImplementedError

    def chance(self, steps: int) -> float | None:
        """Return how likely each example is in each of an epoch's ``steps`` batches, where coins of its own decide.

        None where batches are made otherwise.
        """
        return None

    @abstractmethod
    def batches(self, targets: Tensor, size: int, steps: int, generator: Generator) -> list[Tensor]:
        """Return the rows of each of an epoch's ``steps`` global batches, alone by draws from ``generator``.

        A batch holds ``size`` examples, the last perhaps fewer, or as many as the draws give, perhaps none.
        """


class OrderedSampling(Sampling):
    """A sampling that puts an epoch's examples in an order, of which each batch takes the next few."""

    @abstractmethod
    def indices(self, targets: Tensor, generator: Generator) -> Tensor:
        """Return the rows of one epoch's examples, (size,), in order, by draws from ``generator`` alone."""

    def batches(self, targets: Tensor, size: int, steps: int, generator: Generator) -> list[Tensor]:
        """Return the order, cut."""
        order = self.indices(targets, generator)
        return [order[step * size : (step + 1) * size] for step in range(steps)]


class Augmentation(ABC):
    """How a training batch is varied, each image by its own draw.

    ``draw`` is called for the whole global batch, on the CPU, so that draws do not depend on the number of processes.
    """

    wants: ClassVar[Literal["any", "pixels", "values"]]  # pixels: uint8, before preprocessing; values: floats, after it
    mixes: ClassVar[bool] = False  # whether targets are mixed: they then come soft, (n, k) or floats (n,)
    images: ClassVar[bool] = True  # whether it is for images only
    chooses: ClassVar[tuple[str, ...]] = ()  # of what is drawn, what says which code runs: it stays on the CPU
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
        """Return varied copies of inputs (n, ...) and their targets; the arguments stay as they were.

        No value of a tensor is looked at, but of those that ``chooses`` names: the device would have to be waited for.
        """


class Resolution(ABC):
    """How large the images are that training sees, from epoch to epoch; evaluation always sees them whole."""

    @abstractmethod
    def side(self, full: int, epoch: int, epochs: int) -> int:
        """Return the pixels of the shorter side, of ``full``, in ``epoch``, counted from 0 of ``epochs``.

        Raises:
            ValueError: such images do not go with the knobs; names the bound.
        """
