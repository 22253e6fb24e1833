"""L2 penalty: the sum of squared weights is added to the loss (Hoerl and Kennard, 1970, ridge regression).

J(θ) + α‖θ‖₂² = J(θ) + α Σθᵢ²      a pull towards 0 that weakens as a weight shrinks
J(θ) + α/(2m) Σθᵢ²                  the ``textbook`` form, beside a loss of 1/(2m) Σ...: m training examples, α its λ
∂/∂θᵢ = 2αθᵢ                        and αθᵢ/m: under any optimizer the same as a coupled weight decay of 2α, or of α/m
θ ← θ - ηλθ                         decoupled weight decay: no part of the gradient, which nothing then divides

Under plain sgd the three are one: η·2αθ is taken off, by whatever name. Momentum carries a penalty on, and adam's
division by √v̂ undoes most of it; decoupled decay (adamw) takes the same share of each weight there. It bites when many
correlated inputs share the work: it spreads the weight over them.
"""

from typing import Literal

from temper.facts import Facts
from temper.penalty.sums import Over, square_sum
from temper.quantity import NonNegative
from temper.strategy import Penalty, PenaltyFunction, strategy


@strategy
class L2(Penalty):
    """The squared 2-norm of all chosen parameters taken together."""

    alpha: NonNegative
    over: Over
    form: Literal["textbook"] | None

    def build(self, facts: Facts) -> PenaltyFunction:
        """Return the function from named parameters to α times the sum of their squares."""
        factor = self.alpha if self.form is None else self.alpha / (2 * facts.examples)
        return lambda parameters: factor * square_sum(parameters, self.over)
