"""L1 penalty: the sum of absolute weights is added to the loss (Tibshirani, 1996, the lasso, JRSS B 58, section 2).

J(θ) + α‖θ‖₁ = J(θ) + α Σ|θᵢ|      a pull of constant strength α towards 0, however small a weight is already
∂/∂θᵢ = α sign(θᵢ)                  none at θᵢ = 0

It bites when few inputs matter: weights that do not earn their α go to zero. Gradient steps leave them swinging around
zero by about the rate times α; exact zeros are pruning's work.
"""

from temper.facts import Facts
from temper.penalty.sums import Over, absolute_sum
from temper.quantity import NonNegative
from temper.strategy import Penalty, PenaltyFunction, strategy


@strategy
class L1(Penalty):
    """The 1-norm of all chosen parameters taken together."""

    alpha: NonNegative
    over: Over

    def build(self, facts: Facts) -> PenaltyFunction:
        """Return the function from named parameters to α times the sum of their absolute values."""
        return lambda parameters: self.alpha * absolute_sum(parameters, self.over)
