"""A line through the data: one weight a feature and an intercept (Legendre, 1805; Gauss, 1809, least squares).

    y = x @ w + b      w: what one unit of each feature adds; b: the value where all features are 0

It bites where the truth is close to linear, where examples are few, or where the coefficients are what is wanted.
"""

from torch import Tensor, nn

from temper.network.layered import Block, Layered
from temper.network.units import Units


class Linear(Layered):
    """Linear regression from ``features`` to one value; the layer is ``head``, as in every network here."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.head = nn.Linear(features, 1)

    @property
    def weight(self) -> Tensor:
        """Return the coefficients (1, features)."""
        return self.head.weight

    @property
    def bias(self) -> Tensor:
        """Return the intercept (1,)."""
        return self.head.bias

    def forward(self, inputs: Tensor) -> Tensor:
        """Return values (n,) for inputs (n, features)."""
        values: Tensor = self.head(inputs)
        return values.squeeze(1)

    def blocks(self) -> list[Block]:
        """Return no block: there is only the head."""
        return []

    def units(self) -> list[Units]:
        """Return none: what goes in and what comes out is given."""
        return []

    def recompute(self) -> None:
        """Do nothing: there is no block whose activations could be forgotten."""
