"""Contracts of what a network learns from: where it starts, what of it learns, and what it minimises."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import ClassVar, Literal

from torch import Tensor, nn

from temper.facts import Facts, Kind, Learned
from temper.network.layered import Layered
from temper.quantity import Clock
from temper.teacher import Teacher
from temper.terms import Distiller, Weigher

LossFunction = Callable[[Tensor, Tensor, float], Tensor]  # prediction, target, progress in [0, 1] -> (n,)
PenaltyFunction = Callable[[Mapping[str, Tensor]], Tensor]  # parameters by name -> scalar
Teach = Callable[[str], Teacher]  # by the name of a run, a checkpoint or a recipe
Reads = Literal["answers", "layers", "images"]  # the last: layers whose features are images
ReadRun = Callable[[str], Learned]  # the name of a run or checkpoint -> what its network has learned


class Initialization(ABC):
    """Which weights training starts from."""

    residual: ClassVar[bool] = False  # whether it is for networks of residual blocks

    @abstractmethod
    def apply(self, network: nn.Module) -> None:
        """Overwrite the parameters of ``network`` in place, drawing from torch's default generator."""


class Transfer(ABC):
    """Which trained weights take the place of those that were drawn, and how long they stay as they are."""

    @property
    def source(self) -> str | None:
        """Return the run's folder, or the checkpoint in one, that weights come from; None where they do not."""
        return None

    @property
    def freezes(self) -> bool:
        """Return whether blocks are to stay as they are, at least for a while."""
        return False

    @abstractmethod
    def learned(self, network: Layered, facts: Facts, read: ReadRun) -> Learned | None:
        """Return what ``network`` starts from, as far as it fits; None for nothing.

        Raises:
            ValueError: it is not there, or not for such a run; names the knob and the way out.
        """

    @abstractmethod
    def begins(self, blocks: int, clock: Clock) -> list[int]:
        """Return the step from which each of so many blocks learns, from the input on; ``clock``'s last for never.

        Blocks that were not taken learn from the start whatever this says, and so does the head.

        Raises:
            ValueError: the network has too few blocks for the knobs.
        """


class LayerFreezing(ABC):
    """When blocks have learned enough, and stay as they are."""

    @abstractmethod
    def ends(self, blocks: int, clock: Clock) -> list[int]:
        """Return the step from which each of so many blocks stays, never falling; ``clock``'s last for never.

        Raises:
            ValueError: the network's blocks do not fit the knobs.
        """

    def check(self, clock: Clock) -> None:  # noqa: B027 - most go with any
        """Refuse a block that would stay before one in front of it; a ValueError says the way out."""


class Loss(ABC):
    """How wrong a prediction is."""

    @property
    def by_frequency(self) -> bool:
        """Return whether classes weigh by how many training examples they have, which sampling would change again."""
        return False

    @abstractmethod
    def kind(self, classes: int) -> Kind:
        """Return what the network's outputs mean under this loss when the data has ``classes`` (0: a regression).

        Raises:
            ValueError: this loss does not fit such data; names a loss that does.
        """

    def weighs(self, facts: Facts) -> tuple[float, ...]:
        """Return what an example of each class weighs; empty where all weigh the same."""
        return ()

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
    reads: ClassVar[Reads] = "answers"
    classes: ClassVar[int] = 0  # that it needs at least
    one_class: ClassVar[bool] = False  # whether it asks which one class is an example's
    learns: ClassVar[bool] = False  # whether it has parameters of its own, which are trained
    partners: ClassVar[int] = 0  # how many other examples an example is compared with at least
    teacher: str  # a run's folder, a checkpoint in one, or recipe:NAME
    weight: float  # of each term

    @property
    @abstractmethod
    def terms(self) -> tuple[str, ...]:
        """Return what the values are called that its distiller returns."""

    @abstractmethod
    def build(self, facts: Facts, student: nn.Module, teach: Teach) -> Distiller:
        """Return the distiller of the network ``student``; ``teach`` gives the teacher.

        Raises:
            ValueError: a network lacks what is read of it; names the knob and the nearest that there is.
        """


class Weighting(ABC):
    """How several terms become one."""

    single: ClassVar[bool] = False  # whether it is of use where there is but one term
    learns: ClassVar[bool] = False  # whether it has parameters of its own, which are trained
    term_gradients: ClassVar[bool] = False  # whether it takes the gradient of each term at a layer of the network

    def check(self, shares: Mapping[str, float]) -> None:  # noqa: B027 - most go with any
        """Refuse weights to start from that it cannot; a ValueError says the way out."""

    @abstractmethod
    def build(self, shares: Mapping[str, float], facts: Facts, network: nn.Module) -> Weigher:
        """Return the weigher of the terms named in ``shares``, each with the weight that the user gave it.

        Raises:
            ValueError: ``network`` lacks what the weighting needs.
        """
