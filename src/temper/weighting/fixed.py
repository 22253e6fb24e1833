"""Fixed weights: a linear combination whose coefficients the user chose and training leaves alone.

J = Σᵢ wᵢ Jᵢ     each term Jᵢ times its share wᵢ

It bites when the terms keep their proportions; where one fades or grows, its share should follow, and it does not.
"""

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor, nn

from temper.facts import Facts
from temper.strategy import Weighting, strategy
from temper.terms import Weigher


@strategy
class Fixed(Weighting):
    """Weights as they were given."""

    single: ClassVar[bool] = True

    def build(self, shares: Mapping[str, float], facts: Facts, network: nn.Module) -> Weigher:
        """Return the weigher that holds to ``shares``."""
        return _FixedWeigher(shares)


class _FixedWeigher(Weigher):
    # The shares are plain numbers of the configuration: nothing to move to a device or to keep in a checkpoint.
    def __init__(self, shares: Mapping[str, float]) -> None:
        super().__init__()
        self._shares = dict(shares)

    def forward(self, terms: Mapping[str, Tensor], progress: float) -> Tensor:
        if len(terms) == 1:
            ((name, term),) = terms.items()
            # The common case, in each step: a sum and a multiplication by 1 would be two kernels and their gradients.
            return term if self._shares[name] == 1 else self._shares[name] * term
        return torch.stack([self._shares[name] * term for name, term in terms.items()]).sum()

    def weights(self) -> dict[str, Tensor | float]:
        return dict(self._shares)
