"""Reduce on plateau: lower the rate when validation has stopped to improve (PyTorch's ReduceLROnPlateau at eps=0).

improved:  x > b(1 + δ)     mode ``rel``: x is the metric now, b the best so far, δ ``threshold`` (x < b(1 - δ) where
                            less is better)
improved:  x > b + δ        mode ``abs`` (x < b - δ where less is better)
f ← max(γf, m)              after more than p = ``patience`` validations in a row that did not improve; f multiplies the
                            base rate, m is ``min_factor``. The count begins anew, and the next ``cooldown`` validations
                            are not counted

It bites where the length that a run needs is not known: each rate is used for as long as it helps. The metric is the
one that chooses the checkpoint; one that is not a number never counts as improved.
"""

import math
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from temper.quantity import Clock, Fraction, NonNegative, NonNegativeCount, Span
from temper.strategy import Scheduler, strategy
from temper.terms import Reaction


@strategy
class Plateau(Scheduler):
    """A staircase that goes down when validation says so."""

    validates: ClassVar[bool] = True

    warmup: Span
    gamma: Annotated[float, Field(gt=0, lt=1, strict=True)]
    patience: NonNegativeCount
    threshold: NonNegative
    threshold_mode: Literal["rel", "abs"]
    cooldown: NonNegativeCount
    min_factor: Fraction

    @model_validator(mode="after")
    def _can_improve(self) -> Self:
        if self.threshold_mode == "rel" and self.threshold >= 1:
            raise ValueError(
                f"threshold={self.threshold:g} must be < 1 with threshold_mode=rel, where it is a share of the best:"
                " lower it, or choose threshold_mode=abs"
            )
        return self

    def reaction(self, better: Literal["max", "min"]) -> "PlateauReaction":
        """Return what counts the validations."""
        return PlateauReaction(self, better)

    def factor(self, step: int, clock: Clock) -> float:
        """Return 1: what validation has measured is multiplied on top."""
        return 1.0


class PlateauReaction(Reaction):
    """What a plateau does to the rate in one run."""

    def __init__(self, knobs: Plateau, better: Literal["max", "min"]) -> None:
        self.knobs, self.better = knobs, better
        self.factor = 1.0
        self.best: float | None = None
        self.waited = 0  # validations in a row that did not improve
        self.cooling = 0  # validations that are still not counted

    def see(self, value: float) -> None:
        """Count, and lower the rate if it is time."""
        if self._improved(value):
            self.best, self.waited = value, 0
        else:
            self.waited += 1
        if self.cooling > 0:
            self.cooling, self.waited = self.cooling - 1, 0
        if self.waited > self.knobs.patience:
            self.factor = max(self.factor * self.knobs.gamma, self.knobs.min_factor)
            self.cooling, self.waited = self.knobs.cooldown, 0

    def state_dict(self) -> dict[str, Any]:
        """Return the factor and the counts."""
        return {"factor": self.factor, "best": self.best, "waited": self.waited, "cooling": self.cooling}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up what an earlier attempt saw."""
        self.factor, self.best = state["factor"], state["best"]
        self.waited, self.cooling = state["waited"], state["cooling"]

    def _improved(self, value: float) -> bool:
        sign = 1 if self.better == "max" else -1
        if self.best is None:
            return sign * value > -math.inf
        margin = sign * self.knobs.threshold
        bound = self.best * (1 + margin) if self.knobs.threshold_mode == "rel" else self.best + margin
        return value > bound if self.better == "max" else value < bound
