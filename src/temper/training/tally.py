"""What training steps measured, left on the device until somebody reads it: to wait for each number would slow a step.

Sums of terms are made in Python's floats, one after the other, so that a run that was cut off between two reads ends
with the very same sums; answers that were right are counted, and a count is exact in any order.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor

from temper.facts import Kind
from temper.prediction import squared_error

MOST_HELD = 2_000_000  # numbers of predictions that wait to be counted


class Measured(NamedTuple):
    """What one micro-batch gave: scalars by name, and predictions with their targets where these are classes."""

    terms: dict[str, Tensor]
    answers: tuple[Tensor, Tensor] | None


def measured(terms: dict[str, Tensor], prediction: Tensor, target: Tensor, kind: Kind) -> Measured:
    """Return what one micro-batch gave; of a regression, the mean squared error joins ``terms``, whatever its loss."""
    if kind == "regression":  # at once: a sum of floats hangs on how they are grouped, and reads may come anywhere
        return Measured({**terms, "squared_error": squared_error(prediction, target, kind).mean()}, None)
    return Measured(terms, (prediction, target))


class Tally:
    """Sums over the examples since it was last emptied."""

    def __init__(self) -> None:
        self.sums: dict[str, float] = {}
        self.count = 0
        self._terms: list[tuple[dict[str, Tensor], int]] = []
        self._answers: list[tuple[Tensor, Tensor]] = []
        self._right: list[Tensor] = []
        self._held = 0

    def add(self, measured: Measured, size: int) -> None:
        """Take in means over ``size`` examples."""
        self._terms.append((measured.terms, size))
        self.count += size
        if measured.answers is not None:
            self._answers.append(measured.answers)
            self._held += measured.answers[0].numel()
            if self._held > MOST_HELD:
                self._count_answers()

    def read(self) -> dict[str, float]:
        """Return the sums by name: the one place where the device is waited for."""
        if self._terms:
            names = list(self._terms[0][0])
            held = torch.stack([value for terms, _ in self._terms for value in terms.values()])
            values = held.view(-1, len(names)).tolist()
            for row, (_, size) in zip(values, self._terms, strict=True):
                for name, value in zip(names, row, strict=True):
                    self.sums[name] = self.sums.get(name, 0.0) + value * size
            self._terms = []
        self._count_answers()
        if self._right:
            self.sums["accuracy"] = self.sums.get("accuracy", 0.0) + sum(torch.stack(self._right).tolist())
            self._right = []
        return self.sums

    def empty(self) -> None:
        """Begin anew."""
        self.sums, self.count = {}, 0
        self._terms, self._answers, self._right, self._held = [], [], [], 0

    def state_dict(self) -> dict[str, Any]:
        """Return the sums."""
        return {"sums": dict(self.read()), "count": self.count}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on with ``state``'s sums."""
        self.empty()
        self.sums, self.count = dict(state["sums"]), state["count"]

    def _count_answers(self) -> None:
        if self._answers:
            prediction = torch.cat([each for each, _ in self._answers])
            target = torch.cat([each for _, each in self._answers])
            self._right.append(right(prediction, target).sum())
            self._answers, self._held = [], 0


def right(prediction: Tensor, target: Tensor) -> Tensor:
    """Return where (n,) the prediction names the target's (likeliest) class."""
    if prediction.ndim == 1:
        return (prediction > 0) == (target > 0.5)
    return prediction.argmax(1) == (target if target.ndim == 1 else target.argmax(1))
