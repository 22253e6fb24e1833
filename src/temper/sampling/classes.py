"""The classes among training targets, as every sampling by class needs them."""

import torch
from torch import Tensor


def check_classes(name: str, classes: int) -> None:
    """Refuse a regression for the sampling called ``name``.

    Raises:
        ValueError: there are no classes to sample by; names the way out.
    """
    if not classes:
        raise ValueError(f"{name} goes by the classes, and a regression has none: choose sampling=none, or data=digits")


def counts(targets: Tensor) -> Tensor:
    """Return how many of the targets (n,), class indices, are of each class, (classes,); 0 for one that is absent."""
    return torch.bincount(targets.long())


def members(targets: Tensor) -> list[Tensor]:
    """Return the rows of each class that is present among the targets (n,), by class."""
    present = counts(targets)
    return list(torch.split(targets.long().argsort(stable=True), present[present > 0].tolist()))
