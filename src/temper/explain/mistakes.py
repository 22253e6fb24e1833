"""Which examples of a set to look at first: those about which the network is sure and wrong, or furthest off."""

import torch
from torch import Tensor

from temper.facts import Facts
from temper.prediction import probabilities


def most_confident(prediction: Tensor, target: Tensor, facts: Facts) -> Tensor:
    """Return the rows (m,) of which another class than the true one was given, the likeliest of these first.

    Args:
        prediction: logits (n,) or (n, classes).
        target: classes (n,).
        facts: say what the logits mean.
    """
    likeliest, given = probabilities(prediction, facts.kind).max(1)
    wrong = (given != target).nonzero().flatten()
    return wrong[likeliest[wrong].argsort(descending=True, stable=True)]


def largest_errors(prediction: Tensor, target: Tensor) -> Tensor:
    """Return all rows (n,) of values (n,) and targets (n,), the one that is furthest off first."""
    return (prediction - target).abs().argsort(descending=True, stable=True)


def in_own_units(values: Tensor, facts: Facts) -> Tensor:
    """Return standardised values of a regression in the target's own units, as float64."""
    return values.to(torch.float64) * facts.target_deviation + facts.target_mean
