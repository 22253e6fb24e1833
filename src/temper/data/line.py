"""Points about a straight line: the smallest regression, with a solution in closed form to hold training against.

    y = slope · x + intercept + noise · u    x and u uniform on [0, 1); the mean of u, ½, joins the intercept
    x = 1, 2, ..., examples                  with grid: exact integers instead

slope=2 intercept=0 noise=0 examples=3 grid=true is the exact line y = 2x on x = 1..3. On the default line plain
gradient descent is slow along one direction, since x is not centred: what standardising and momentum are shown on.
"""

from typing import ClassVar

import torch

from temper.data.rows import Rows
from temper.data.split import cut
from temper.facts import Examples, Splits
from temper.quantity import Count, NonNegative, NonNegativeCount, Real, Switch
from temper.strategy import strategy


@strategy
class Line(Rows):
    """A line of one feature, drawn from its own seed."""

    columns: ClassVar[int] = 1

    examples: Count
    slope: Real
    intercept: Real
    noise: NonNegative
    grid: Switch
    seed: NonNegativeCount

    @property
    def count(self) -> int:
        """Return how many are drawn."""
        return self.examples

    @property
    def classes(self) -> int:
        """Return 0: a regression."""
        return 0

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Return the one: x."""
        return ("x",)

    def splits(self) -> Splits:
        """Return inputs (n, 1) and targets (n,), float32."""
        generator = torch.Generator().manual_seed(self.seed)
        x, u = torch.rand(2, self.examples, generator=generator)
        if self.grid:
            x = torch.arange(1, self.examples + 1, dtype=torch.float32)
        y = self.slope * x + self.intercept + self.noise * u
        return cut(Examples(x.unsqueeze(1), y), self.validation, self.test, class_names=())
