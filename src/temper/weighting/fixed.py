"""Fixed weights: a linear combination whose coefficients the user chose and training leaves alone.

J = Σᵢ wᵢ Jᵢ     each term Jᵢ times its share wᵢ

It bites when the terms keep their proportions; where one fades or grows, its share should follow, and it does not.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from temper.strategy import Weighting, strategy
from temper.terms import Weigher


@strategy
class Fixed(Weighting):
    """Weights as they were given."""

    def build(self, shares: Mapping[str, float]) -> Weigher:
        """Return the weigher that holds to ``shares``."""
        return _FixedWeigher(shares)


class _FixedWeigher(Weigher):
    # The shares are plain numbers of the configuration: nothing to move to a device or to keep in a checkpoint.
    def __init__(self, shares: Mapping[str, float]) -> None:
        super().__init__()
        self._shares = dict(shares)

    def forward(self, terms: Mapping[str, Tensor], progress: float) -> Tensor:
        return torch.stack([self._shares[name] * term for name, term in terms.items()]).sum()

    def weights(self) -> dict[str, Tensor | float]:
        return dict(self._shares)
