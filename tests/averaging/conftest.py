"""A network whose weights walk along a given path."""

from collections.abc import Sequence

import torch
from torch import nn

from temper.terms import Averager


class Walker:
    """Sets the one weight of a network and tells the averager, step after step."""

    def __init__(self, averager: Averager) -> None:
        self.averager, self.network, self.step = averager, nn.Linear(1, 1, bias=False, dtype=torch.float64), 0

    def walk(self, path: Sequence[float]) -> list[float | None]:
        """Return the average after each step."""
        seen: list[float | None] = []
        for value in path:
            self.step += 1
            with torch.no_grad():
                self.network.weight.fill_(value)
            self.averager.update(self.network, self.step)
            average = self.averager.average()
            seen.append(None if average is None else average["weight"].item())
        return seen
