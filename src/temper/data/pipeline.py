"""Preprocessing in a row: fitted on the training examples once, then the way of every input."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from temper.data.pictures import Pictures, spread
from temper.facts import Examples
from temper.strategy import Preprocessing

FITTED_AT_ONCE = 2000


class Pipeline:
    """Preprocessing that was fitted: the way of an input in evaluation.

    Args:
        steps: preprocessing by name, in order.
        fitted: what each remembers of the training examples.
    """

    def __init__(self, steps: Mapping[str, Preprocessing], fitted: Mapping[str, Mapping[str, Tensor]]) -> None:
        self.steps, self.fitted = steps, fitted

    @classmethod
    def fit(cls, steps: Mapping[str, Preprocessing], train: Examples, *, sampled: bool = False) -> "Pipeline":
        """Return the pipeline fitted on ``train``; each step sees what the steps before it made of the inputs.

        ``sampled``: on some of many images, the same whether they are in memory or on disk.
        """
        fitted: dict[str, dict[str, Tensor]] = {}
        held: Any = train.inputs
        if isinstance(held, Pictures):
            inputs = held.sample() if steps else train.inputs
        else:
            inputs = held[spread(len(held))] if sampled and steps else held
        for position, (name, step) in enumerate(steps.items()):
            fitted[name] = step.fit(Examples(inputs, train.targets))
            if position < len(steps) - 1:
                # Piece by piece: what a filter needs besides, for all images at once, would be many times their size.
                pieces = torch.split(inputs, FITTED_AT_ONCE)
                inputs = torch.cat([step.apply(to_float(piece), fitted[name]) for piece in pieces])
        return cls(steps, fitted)

    def __call__(self, inputs: Tensor) -> Tensor:
        """Return the preprocessed floats of raw inputs (n, ...)."""
        inputs = to_float(inputs)
        for name, step in self.steps.items():
            inputs = step.apply(inputs, self.fitted[name])
        return inputs

    def to(self, device: torch.device) -> "Pipeline":
        """Return the pipeline with what it remembers on ``device``."""
        moved = {name: {key: value.to(device) for key, value in kept.items()} for name, kept in self.fitted.items()}
        return Pipeline(self.steps, moved)


def to_float(inputs: Tensor) -> Tensor:
    """Return floats: pixels scaled from 0..255 to [0, 1], tables as they are."""
    return inputs.float().div_(255) if inputs.dtype == torch.uint8 else inputs
