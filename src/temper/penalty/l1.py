"""L1 penalty: the sum of absolute weights is added to the loss (Tibshirani, 1996, the lasso, JRSS B 58, section 2).

J(θ) + α‖θ‖₁ = J(θ) + α Σ|θᵢ|      a pull of constant strength α towards 0, however small a weight is already
∂/∂θᵢ = α sign(θᵢ)                  none at θᵢ = 0

It bites when few inputs matter: weights that do not earn their α go to zero. Gradient steps leave them swinging around
zero by about the rate times α; exact zeros are pruning's work.
"""

from collections.abc import Mapping
from typing import Literal

import torch
from torch import Tensor

from temper.facts import Facts
from temper.quantity import NonNegative
from temper.strategy import Penalty, PenaltyFunction, strategy


@strategy
class L1(Penalty):
    """The 1-norm of all chosen parameters taken together."""

    alpha: NonNegative
    over: Literal["weights", "all"]

    def build(self, facts: Facts) -> PenaltyFunction:
        """Return the function from named parameters to α times the sum of their absolute values."""
        fewest = 2 if self.over == "weights" else 0

        def penalty(parameters: Mapping[str, Tensor]) -> Tensor:
            chosen = [parameter for parameter in parameters.values() if parameter.ndim >= fewest]
            if not chosen:
                return next(iter(parameters.values())).new_zeros(())
            # One call for all tensors: a sum for each would cost several kernels for each.
            return self.alpha * torch.stack(torch._foreach_norm(chosen, 1)).sum()

        return penalty
