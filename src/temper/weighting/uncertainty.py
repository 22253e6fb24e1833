"""Learned uncertainty (Kendall, Gal and Cipolla, 2018, arXiv:1705.07115, eq. 10): terms weigh by how sure they can be.

J = Σᵢ exp(-sᵢ) Jᵢ + ½ sᵢ      sᵢ = log σᵢ², learned: its noise σᵢ² is what a term cannot explain
wᵢ = exp(-sᵢ)                   the weight of term i, which starts at the share that the user gave it
∂J/∂sᵢ = ½ - wᵢ Jᵢ              zero where wᵢ = 1/(2 Jᵢ): what is large for good comes to weigh little

The paper halves Jᵢ where it is a squared error; a factor in front of Jᵢ shifts sᵢ and nothing else. The sᵢ join the
optimizer, at its rate and without weight decay; their sum is no part of the loss that is recorded. It bites where terms
have noises or units of their own. A term that can be learned by heart has no noise left: its weight grows without end.
"""

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor, nn

from temper.facts import Facts
from temper.prediction import widened
from temper.strategy import Weighting, strategy
from temper.terms import Weigher
from temper.weighting.shares import check_positive


@strategy
class Uncertainty(Weighting):
    """Weights that follow from a learned variance of each term."""

    learns: ClassVar[bool] = True

    def check(self, shares: Mapping[str, float]) -> None:
        """Refuse a term that starts without weight: its variance would be infinite."""
        check_positive(shares)

    def build(self, shares: Mapping[str, float], facts: Facts, network: nn.Module) -> Weigher:
        """Return the weigher whose log-variances start where the weights are ``shares``."""
        return _UncertainWeigher(shares)


class _UncertainWeigher(Weigher):
    def __init__(self, shares: Mapping[str, float]) -> None:
        super().__init__()
        self._names = tuple(shares)
        self.log_variances = nn.Parameter(-torch.tensor([shares[name] for name in self._names]).log())

    def forward(self, terms: Mapping[str, Tensor], progress: float) -> Tensor:
        logs, values = widened(self.log_variances), torch.stack([terms[name] for name in self._names])
        return (torch.exp(-logs) * values + logs / 2).sum()

    def weights(self) -> dict[str, Tensor | float]:
        return dict(zip(self._names, torch.exp(-widened(self.log_variances.detach())), strict=True))
