"""What an example of each class weighs, so that the training examples weigh 1 on average.

    w_c = m v_c / Σ_k n_k v_k      n_c of the m training examples are of class c, v_c what was asked for it
    v_c = 1/n_c                    ``inverse``: every class weighs the same in all; scikit-learn calls it balanced
    v_c = 1/√n_c                   ``inverse_root``: half-way there
    Σ_c t_c w_c ℓ(c)               a soft target t: the expected loss of a class drawn from it

The sum is over the training set, not over the batch: a batch that holds few rare examples weighs less, as it should,
and micro-batches and processes add up.
"""

import math
from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from temper.facts import Facts
from temper.quantity import NonNegative
from temper.strategy import Loss, strategy

ClassWeights = tuple[NonNegative, ...] | Literal["inverse", "inverse_root"] | None


@strategy
class ClassWeighted(Loss):
    """A loss that may weigh some classes more than others."""

    class_weights: ClassWeights

    @property
    def by_frequency(self) -> bool:
        """Return whether the weights follow from how many examples a class has."""
        return isinstance(self.class_weights, str)

    def weighs(self, facts: Facts) -> tuple[float, ...]:
        """Return the weights that are asked for, 1 on average over the training examples."""
        weights = class_weights(self.class_weights, facts)
        return () if weights is None else weights.values


def class_weights(asked: ClassWeights, facts: Facts) -> "Weights | None":
    """Return what each class weighs where weights are ``asked`` for, None where all weigh 1.

    Raises:
        ValueError: a list of another length than there are classes, or one that leaves no training example.
    """
    if asked is None:
        return None
    if isinstance(asked, tuple):
        if len(asked) != facts.classes:
            raise ValueError(
                f"loss.class_weights has {len(asked)} values, and there are {facts.classes} classes"
                f"{_named(facts.class_names)}: give one a class, or inverse, or null"
            )
        return Weights(normalised(asked, facts))
    root = asked == "inverse_root"
    # A class without an example is nobody's: any finite number will do.
    counts = [max(1, count) for count in facts.class_counts]
    return Weights(normalised([1 / math.sqrt(count) if root else 1 / count for count in counts], facts))


def normalised(values: Sequence[float], facts: Facts) -> list[float]:
    """Return multiples of ``values``, one a class, whose mean over the training examples is 1.

    Raises:
        ValueError: no training example weighs anything.
    """
    total = sum(count * value for count, value in zip(facts.class_counts, values, strict=True))
    if total <= 0:
        raise ValueError("loss.class_weights leaves no training example any weight: raise one of them above 0")
    return [value * sum(facts.class_counts) / total for value in values]


class Weights:
    """Weights of the classes, kept where they are needed: to copy them there in each step would wait for the device."""

    def __init__(self, values: Sequence[float]) -> None:
        self.values = tuple(values)
        self._placed = torch.tensor(self.values, dtype=torch.float64)

    def like(self, values: Tensor) -> Tensor:
        """Return the weights, (k,), on the device and in the type of ``values``."""
        if self._placed.device != values.device or self._placed.dtype != values.dtype:
            self._placed = torch.tensor(self.values, dtype=values.dtype, device=values.device)
        return self._placed

    def applied(self, target: Tensor, like: Tensor) -> Tensor:
        """Return soft targets (n, k) of hard or soft ``target``, each entry times its class's weight."""
        weights = self.like(like)
        if target.dim() == 2:
            return target.to(like.dtype) * weights
        return torch.nn.functional.one_hot(target, len(weights)) * weights

    def of_two(self, target: Tensor) -> tuple[Tensor, Tensor]:
        """Return the weight of class 1 and of class 0 in each target (n,) in [0, 1], (n,) both."""
        zero, one = self.values
        return one * target, zero * (1 - target)


def _named(names: Sequence[str]) -> str:
    if not names:
        return ""
    shown = ", ".join(names[:12])
    return f" ({shown}{', ...' if len(names) > 12 else ''})"
