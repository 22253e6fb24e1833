"""The rates of a schedule of torch's, to hold ours against."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

Rates = Callable[..., list[float]]


@pytest.fixture(scope="session")
def torch_rates() -> Rates:
    """Return a function from a class of torch's and its arguments to its rates at the first steps, of a base of 1."""

    def rates(schedule: Any, steps: int, *words: Any, **named: Any) -> list[float]:
        optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
        theirs = schedule(optimizer, *words, **named)
        found = []
        for _ in range(steps):
            found.append(float(theirs.get_last_lr()[0]))
            optimizer.step()
            theirs.step()
        return found

    return rates
