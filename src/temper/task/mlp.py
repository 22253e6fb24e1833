"""A multi-layer perceptron on tables and small images (Rumelhart, Hinton and Williams, 1986, Nature 323).

    h_i = f(h_{i-1} @ W_i + b_i)     one layer for each entry of ``hidden``, f being ``activation``
    y = h_last @ W + b               a value, the logit of class 1, or one logit a class

It bites where features interact; with ``hidden`` empty it is the linear model, so that what the layers add can be seen.
"""

from typing import Any, ClassVar, final

from torch import Tensor, nn

from temper.facts import Examples, Facts, Kind
from temper.network import mlp
from temper.network.activation import Activation
from temper.quantity import Count
from temper.report.solution import Solution
from temper.strategy import Task, strategy
from temper.task.closed_form import compare
from temper.task.ruler import judge
from temper.training.supervised import Supervised


@strategy
class MLP(Task):
    """A perceptron of any depth and width; images are flattened to rows."""

    images: ClassVar[bool] = False
    kinds: ClassVar[tuple[Kind, ...]] = ("regression", "binary", "multiclass")

    hidden: tuple[Count, ...]
    activation: Activation

    def network(self, facts: Facts) -> nn.Module:
        """Return a perceptron from (n, ``*facts.shape``) to (n, outputs), or (n,) for one output."""
        return mlp.MLP(facts.shape, facts.outputs, hidden=self.hidden, between=self.activation)

    def module(self, network: nn.Module, ingredients: Any) -> "MLPModule":
        """Return the module that trains the perceptron."""
        return MLPModule(network, ingredients)


@final
class MLPModule(Supervised):
    """A perceptron, judged as its data asks: by values, by two classes or by many."""

    def judge(self, prediction: Tensor, target: Tensor) -> dict[str, float | list[float]]:
        """Return the metrics of predictions (n,) or (n, k) against hard targets (n,)."""
        return judge(prediction, target, self.facts)

    def solution(self, train: Examples) -> Solution:
        """Return the weights of a single unit beside its least squares or its greatest likelihood."""
        assert isinstance(self.network, mlp.MLP)
        if len(self.network.hidden) or self.facts.kind == "multiclass":
            return Solution()
        return compare(self.network.head, train, self.facts.kind)
