"""L2 penalty: the sum of squared weights is added to the loss (Hoerl and Kennard, 1970, ridge regression).

J(θ) + α‖θ‖₂² = J(θ) + α Σθᵢ²      a pull towards 0 that weakens as a weight shrinks
∂/∂θᵢ = 2αθᵢ                        under sgd the same as a coupled weight decay of 2α

It bites when many correlated inputs share the work: it spreads the weight over them. Under adam the division by √v̂
undoes most of it; decoupled weight decay (adamw) is the one to use there.
"""

from collections.abc import Mapping
from typing import Literal

import torch
from torch import Tensor

from temper.facts import Facts
from temper.quantity import NonNegative
from temper.strategy import Penalty, PenaltyFunction, strategy


@strategy
class L2(Penalty):
    """The squared 2-norm of all chosen parameters taken together."""

    alpha: NonNegative
    over: Literal["weights", "all"]

    def build(self, facts: Facts) -> PenaltyFunction:
        """Return the function from named parameters to α times the sum of their squares."""
        fewest = 2 if self.over == "weights" else 0

        def penalty(parameters: Mapping[str, Tensor]) -> Tensor:
            chosen = [parameter for parameter in parameters.values() if parameter.ndim >= fewest]
            if not chosen:
                return next(iter(parameters.values())).new_zeros(())
            # One call for all tensors: a sum for each would cost several kernels for each.
            return self.alpha * torch.stack(torch._foreach_norm(chosen, 2)).square().sum()

        return penalty
