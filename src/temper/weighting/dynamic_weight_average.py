"""Dynamic weight average (Liu, Johns and Davison, 2019, arXiv:1803.10704, eq. 7): what falls slowly weighs more.

rᵢ = Jᵢ(e - 1) / Jᵢ(e - 2)             rate of descent: means of term i over the last two epochs before e; 1 at first
wᵢ = aᵢ exp(rᵢ/T) / Σₖ aₖ exp(rₖ/T)    aᵢ the share that the user gave it, T the temperature: the larger, the more even
J = Σᵢ wᵢ Jᵢ                           from epoch to epoch; in the first two wᵢ = aᵢ

With equal shares these are the paper's weights over their number: here they add up to 1, as under ``fixed``, so that a
rate that was found there still fits. It costs nothing and needs no gradients. It bites where one term is learned long
before another; rates lie near 1 soon, and the weights then near the shares.
"""

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from temper.facts import Facts
from temper.prediction import widened
from temper.quantity import Positive
from temper.strategy import Weighting, strategy
from temper.terms import Weigher
from temper.weighting.ranks import over_ranks
from temper.weighting.shares import check_positive


@strategy
class DynamicWeightAverage(Weighting):
    """Weights that follow from how fast each term falls."""

    temperature: Positive

    def check(self, shares: Mapping[str, float]) -> None:
        """Refuse a term that starts without weight: it would never have any."""
        check_positive(shares)

    def build(self, shares: Mapping[str, float], facts: Facts, network: nn.Module) -> Weigher:
        """Return the weigher that starts with ``shares``."""
        return _DescentWeigher(shares, self.temperature)


class _DescentWeigher(Weigher):
    def __init__(self, shares: Mapping[str, float], temperature: float) -> None:
        super().__init__()
        self._shares, self._temperature = dict(shares), temperature
        self._names = tuple(shares)
        self._weights = [shares[name] for name in self._names]
        self._before = [math.nan] * len(shares)  # means over the epoch before this one
        self._part: Tensor | None = None  # of this process, in this step
        self._sums = torch.zeros(len(shares), dtype=torch.float64)  # of this epoch's steps, alike on all processes
        self._steps = 0

    def watch(self, terms: Mapping[str, Tensor], share: float) -> None:
        part = share * widened(torch.stack([terms[name].detach() for name in self._names]))
        self._part = part if self._part is None else self._part + part

    def forward(self, terms: Mapping[str, Tensor], progress: float) -> Tensor:
        weighed = [weight * terms[name] for name, weight in zip(self._names, self._weights, strict=True)]
        return torch.stack(weighed).sum()

    def end_step(self) -> None:
        if self._part is not None:
            whole = over_ranks(self._part)
            self._sums = self._sums.to(whole) + whole
            self._steps, self._part = self._steps + 1, None

    def end_epoch(self) -> None:
        if not self._steps:
            return
        means = (self._sums / self._steps).tolist()  # once an epoch the device is waited for
        if all(0 < before < math.inf for before in self._before) and all(map(math.isfinite, means)):
            rates = [mean / before / self._temperature for mean, before in zip(means, self._before, strict=True)]
            most = max(rates)  # taken off, so that no exponential overflows
            heavy = [self._shares[name] * math.exp(rate - most) for name, rate in zip(self._names, rates, strict=True)]
            scale = sum(self._shares.values()) / sum(heavy)
            self._weights = [scale * weight for weight in heavy]
        self._before, self._steps = means, 0
        self._sums = torch.zeros_like(self._sums)

    def weights(self) -> dict[str, Tensor | float]:
        return dict(zip(self._names, self._weights, strict=True))

    def get_extra_state(self) -> Tensor:
        steps = [float(self._steps)] * len(self._names)
        kept = torch.tensor([self._weights, self._before, steps], dtype=torch.float64)
        return torch.cat((kept, self._sums.to("cpu", torch.float64).unsqueeze(0)))

    def set_extra_state(self, state: Tensor) -> None:
        self._weights, self._before, (steps, *_) = state[:3].tolist()
        self._steps, self._sums, self._part = int(steps), state[3].clone(), None
