"""What the averagings share: an average of each of a network's parameters, kept beside it."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from temper.prediction import widened
from temper.quantity import Clock, Span, span_steps
from temper.sharding import placed_like
from temper.strategy import Averaging, strategy
from temper.terms import Averager


@strategy
class LateAveraging(Averaging):
    """An averaging that begins ``start`` into the run."""

    start: Span

    def check(self, clock: Clock) -> None:
        """Refuse an average that would begin with the last weights, or never."""
        if (step := span_steps(self.start, clock)) >= clock.total_steps:
            raise ValueError(
                f"averaging.start={self.start}: after step {step} none of the run's {clock.total_steps} is left, and"
                " nothing would be averaged: begin earlier, for example averaging.start=50%"
            )


class WeightAverager(Averager):
    """An average that begins as a copy of the weights and takes in later ones by ``share``.

    Args:
        start: the step after which the average begins.
    """

    def __init__(self, start: int) -> None:
        self.start, self.taken = start, 0
        self._average: dict[str, Tensor] = {}

    @abstractmethod
    def due(self, step: int) -> bool:
        """Return whether the weights after ``step`` steps are taken in, once the average has begun."""

    @abstractmethod
    def share(self, taken: int) -> float:
        """Return the weight of the newest weights when ``taken`` were taken in before them."""

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        """Take in the weights after ``step`` steps."""
        if step < self.start or not self.due(step):
            return
        # In float32 at the least: of weights in bfloat16 a small share would be rounded away.
        weights = {name: widened(weight.detach()) for name, weight in network.named_parameters()}
        if not self.taken:
            self._average = {name: weight.clone() for name, weight in weights.items()}
        else:
            # A checkpoint was loaded before the network was moved, or cut.
            kept = [placed_like(average, weights[name]) for name, average in self._average.items()]
            torch._foreach_lerp_(kept, [weights[name] for name in self._average], self.share(self.taken))
            self._average = dict(zip(self._average, kept, strict=True))
        self.taken += 1

    def average(self) -> dict[str, Tensor] | None:
        """Return the average by the parameters' names; None before it has begun."""
        return self._average or None

    def state_dict(self) -> dict[str, Any]:
        """Return the average and how many weights it holds."""
        return {"taken": self.taken, "average": dict(self._average)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from ``state``."""
        self.taken, self._average = (
            state["taken"],
            {name: widened(value).clone() for name, value in state["average"].items()},
        )
