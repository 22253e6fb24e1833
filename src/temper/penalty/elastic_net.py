"""Elastic net: both penalties, shared out (Zou and Hastie, 2005, JRSS B 67; this form: Friedman et al., 2010, eq. 2).

J(θ) + α (ρ Σ|θᵢ| + (1 - ρ)/2 Σθᵢ²)      ρ, ``l1_ratio``: the lasso's part; glmnet's and scikit-learn's form
∂/∂θᵢ = α (ρ sign(θᵢ) + (1 - ρ) θᵢ)       a constant pull, and one that weakens as a weight shrinks

ρ = 1 is ``l1`` at α, ρ = 0 is ``l2`` at α/2. It bites where inputs come in correlated groups: the lasso keeps one of a
group at random, the ridge all of all; this keeps or drops a group together.
"""

from temper.facts import Facts
from temper.penalty.sums import Over, absolute_sum, square_sum
from temper.quantity import Fraction, NonNegative
from temper.strategy import Penalty, PenaltyFunction, strategy


@strategy
class ElasticNet(Penalty):
    """A mixture of the 1-norm and half the squared 2-norm of all chosen parameters taken together."""

    alpha: NonNegative
    l1_ratio: Fraction
    over: Over

    def build(self, facts: Facts) -> PenaltyFunction:
        """Return the function from named parameters to α times the mixture."""
        lasso, ridge = self.alpha * self.l1_ratio, self.alpha * (1 - self.l1_ratio) / 2
        return lambda parameters: (
            lasso * absolute_sum(parameters, self.over) + ridge * square_sum(parameters, self.over)
        )
