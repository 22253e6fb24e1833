"""Linear regression by gradient descent on a line (Legendre, 1805; Cauchy, 1847).

    y = x @ w + b               one weight a feature and an intercept
    L = mean (y - target)^2     a bowl with one lowest point, which the normal equations give in closed form

It bites as a yardstick: the solution is known, so what an optimiser leaves undone can be read off to the last digit.
"""

from typing import Any, ClassVar, final

from torch import Tensor, nn

from temper.facts import Examples, Facts, Kind
from temper.network.linear import Linear
from temper.report.solution import Solution
from temper.strategy import Task, strategy
from temper.task.closed_form import compare
from temper.task.ruler import judge_values
from temper.training.supervised import Supervised


@strategy
class LinearRegression(Task):
    """A line through a table."""

    images: ClassVar[bool] = False
    kinds: ClassVar[tuple[Kind, ...]] = ("regression",)

    @property
    def deep(self) -> bool:
        """Return false: a line is a head and nothing else."""
        return False

    def network(self, facts: Facts) -> Linear:
        """Return a line from (n, features) to (n,)."""
        return Linear(*facts.shape)

    def module(self, network: nn.Module, ingredients: Any) -> "LinearRegressionModule":
        """Return the module that trains the line."""
        return LinearRegressionModule(network, ingredients)


@final
class LinearRegressionModule(Supervised):
    """Linear regression, judged by its errors in the targets' units."""

    def judge(self, prediction: Tensor, target: Tensor) -> dict[str, float | list[float]]:
        """Return the metrics of values (n,) against targets (n,)."""
        return judge_values(prediction, target)

    def solution(self, train: Examples) -> Solution:
        """Return the coefficients beside those of least squares."""
        assert isinstance(self.network, Linear)
        return compare(self.network.head, train, self.facts.kind)
