"""The plain records that strategies are handed: what a run knows of its data, its examples, its parameters.

Shapes: ``n`` examples, ``k`` classes. What the network puts out, and the target it is held against, depend on ``kind``:

    regression   prediction (n,)    target (n,)                       values
    binary       prediction (n,)    target (n,) in [0, 1]             the logit of class 1
    multiclass   prediction (n, k)  target (n,) int64, or (n, k)      logits; soft targets are rows that sum to 1
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from torch import Tensor, nn

from temper.quantity import Clock

Kind = Literal["regression", "binary", "multiclass"]


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What a run knows of its data and its length once the data is there.

    Attributes:
        kind: what predictions and targets mean (see the module's docstring).
        shape: of one example's input to the network: ``(features,)`` or ``(channels, height, width)``.
        stored_shape: of the same as it is stored, before preprocessing.
        epoch_shapes: of the same in each epoch of training; empty where it is ``shape`` throughout.
        outputs: columns of the prediction: 1, or the number of classes for ``multiclass``.
        classes: of the data; 0 for a regression.
        examples: in the training set.
        class_counts: training examples of each class; empty for a regression.
        clock: the run's steps.
        class_names: of the data's classes; empty for a regression.
        columns: the names of those of a stored row; empty where they have none.
        contents: checksums of the data, as `Splits` has them.
        target_mean, target_deviation: (target - mean) / deviation is what a regression learns.
    """

    kind: Kind
    shape: tuple[int, ...]
    outputs: int
    classes: int
    examples: int
    class_counts: tuple[int, ...]
    clock: Clock
    stored_shape: tuple[int, ...] = ()
    epoch_shapes: tuple[tuple[int, ...], ...] = ()
    class_names: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    contents: Mapping[str, str] = field(default_factory=dict)
    target_mean: float = 0.0
    target_deviation: float = 1.0


@dataclass(frozen=True)
class Examples:
    """Inputs (n, ...) and targets (n,): uint8 for images, floats for tables; class indices are int64.

    Inputs that do not fit in memory are `temper.data.pictures.Pictures` that stand in for such a tensor. ``origins``
    (n,) int64 is what ``Data.place`` tells by where in the user's files each stands; None where there are none.
    """

    inputs: Tensor
    targets: Tensor
    origins: Tensor | None = None

    def __len__(self) -> int:
        return len(self.inputs)

    def __getitem__(self, chosen: Tensor | slice) -> "Examples":
        """Return the ``chosen`` examples, in their order there."""
        origins = None if self.origins is None else self.origins[chosen]
        return Examples(self.inputs[chosen], self.targets[chosen], origins)


@dataclass(frozen=True, kw_only=True)
class Splits:
    """What a data set gives.

    ``note`` says what a reader of the report must know (None: nothing unusual). ``contents`` holds checksums, by what
    they are of, that tell these examples from others in the same place; none where they cannot be others, as those of
    public sets.
    """

    train: Examples
    validation: Examples | None
    test: Examples
    class_names: tuple[str, ...]
    note: str | None = None
    contents: Mapping[str, str] = field(default_factory=dict)

    def noted(self, note: str) -> "Splits":
        """Return the same with ``note`` behind what was to be known before."""
        return replace(self, note=f"{self.note}; {note}" if self.note else note)


@dataclass(frozen=True, kw_only=True)
class ParameterGroup:
    """Parameters that share a rate and a decay: multiples of the optimizer's own ``lr`` and ``weight_decay``."""

    names: tuple[str, ...]
    parameters: tuple[nn.Parameter, ...]
    rate: float = 1.0
    decay: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Learned:
    """What another training has left: ``weights``, by the names that a network of this house has for them.

    ``origin`` says for the reader where they come from, ``facts`` under which they were learned; None: not in a run.
    """

    weights: Mapping[str, Tensor]
    origin: str
    facts: Facts | None = None


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the student said: its prediction and the features of the layers that were tapped, by layer name."""

    prediction: Tensor
    features: Mapping[str, Tensor]
