"""Scheduled weights, from a teacher to the targets or back (teacher annealing: Clark et al., 2019, arXiv:1907.04829).

J = Σᵢ wᵢ(t) Jᵢ                  t in [0, 1]: the share of the run that is over
wᵢ(t) = wᵢ + (endᵢ - wᵢ) f(t)    a distillation's own ``weight`` wᵢ is where it starts
f(t) = t  or  ½ (1 - cos πt)     ``shape``: linear, or cosine, slow at both ends
w_task(t) = 1 - Σ wᵢ(t)           the task takes what is left

It bites where a teacher helps early and holds back late: a student that may become better than its teacher should end
with the targets.
"""

import math
from collections.abc import Mapping
from typing import Literal

import torch
from torch import Tensor, nn

from temper.facts import Facts
from temper.quantity import Fraction
from temper.refusal import nearest
from temper.strategy import Weighting, strategy
from temper.terms import ROUNDED, Weigher


@strategy
class Schedule(Weighting):
    """Weights that are a function of how far the run is."""

    end: Fraction | dict[str, Fraction]
    shape: Literal["linear", "cosine"]

    def check(self, shares: Mapping[str, float]) -> None:
        """Refuse ends of terms that are not there, and ends that leave the task less than nothing."""
        taught = [name for name in shares if name != "task"]
        if isinstance(self.end, dict):
            for name in self.end:
                if name not in taught:
                    raise ValueError(
                        f"weighting.end.{name}: there is no such term; {nearest(name, taught)} (the task takes what is"
                        " left)"
                    )
        total = sum(self._ends(shares)[name] for name in taught)
        if total > 1 + ROUNDED:
            raise ValueError(
                f"weighting.end: the weights add up to {total:g} in the end, and the task keeps 1 minus that: lower it"
            )

    def build(self, shares: Mapping[str, float], facts: Facts, network: nn.Module) -> Weigher:
        """Return the weigher that goes from ``shares`` to the ends."""
        return _ScheduledWeigher(shares, self._ends(shares), self.shape)

    def _ends(self, shares: Mapping[str, float]) -> dict[str, float]:
        if isinstance(self.end, dict):  # who is not named stays where he is
            ends = {name: self.end.get(name, share) for name, share in shares.items()}
        else:
            ends = dict.fromkeys(shares, self.end)
        return ends | {"task": max(0.0, 1 - sum(end for name, end in ends.items() if name != "task"))}


class _ScheduledWeigher(Weigher):
    def __init__(
        self, starts: Mapping[str, float], ends: Mapping[str, float], shape: Literal["linear", "cosine"]
    ) -> None:
        super().__init__()
        self._starts, self._ends, self._shape = dict(starts), dict(ends), shape
        self._progress = 0.0

    def forward(self, terms: Mapping[str, Tensor], progress: float) -> Tensor:
        self._progress = progress
        weights = self.weights()
        return torch.stack([weights[name] * term for name, term in terms.items()]).sum()

    def weights(self) -> dict[str, Tensor | float]:
        gone = self._progress if self._shape == "linear" else (1 - math.cos(math.pi * self._progress)) / 2
        return {name: start + (self._ends[name] - start) * gone for name, start in self._starts.items()}

    def get_extra_state(self) -> Tensor:
        return torch.tensor(self._progress, dtype=torch.float64)

    def set_extra_state(self, state: Tensor) -> None:
        self._progress = float(state)
