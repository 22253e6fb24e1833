"""A multi-layer perceptron on tables and small images (Rumelhart, Hinton and Williams, 1986, Nature 323).

    h_i = f(h_{i-1} @ W_i + b_i)     one layer for each entry of ``hidden``, f being ``activation``
    h_i <- h_i · r / (1 - p)         ``dropout`` p, in training only: r is 0 with probability p, else 1
    y = h_last @ W + b               a value, the logit of class 1, or one logit a class

It bites where features interact; with ``hidden`` empty it is the linear model, so that what the layers add can be seen.
Dropout (Srivastava et al., 2014, Journal of Machine Learning Research 15) bites where examples are few or wrong.
Processes draw apart, each for its own examples, so that with dropout two of them take other steps than one.
"""

from typing import Any, ClassVar, Self, final

from pydantic import model_validator
from torch import Tensor, nn

from temper.facts import Examples, Facts, Kind
from temper.network import mlp
from temper.network.activation import Activation
from temper.quantity import Count, ProperFraction
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
    dropout: ProperFraction | None

    @model_validator(mode="after")
    def _has_units_to_drop(self) -> Self:
        if self.dropout is not None and not self.hidden:
            raise ValueError(
                f"dropout={self.dropout} has no hidden unit to silence: name a layer, hidden=[64], or set dropout=null"
            )
        return self

    @property
    def deep(self) -> bool:
        """Return whether there is a hidden layer."""
        return bool(self.hidden)

    def network(self, facts: Facts) -> mlp.MLP:
        """Return a perceptron from (n, ``*facts.shape``) to (n, outputs), or (n,) for one output."""
        return mlp.MLP(
            facts.shape, facts.outputs, hidden=self.hidden, between=self.activation, dropout=self.dropout or 0.0
        )

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
