"""NAdam: Adam whose momentum looks ahead (Dozat, 2016, Incorporating Nesterov Momentum into Adam, ICLR workshop).

g = ∇J(θ) + λθ                      the gradient, with weight decay λ coupled to it
θ ← θ - ηλθ                         instead of that where `decoupled`: as in adamw
μₜ = β₁(1 - ½·0.96^(tψ))            the momentum of step t: it rises from β₁/2 to β₁, the faster the larger ψ
m ← β₁m + (1 - β₁)g                 the mean gradient
v ← β₂v + (1 - β₂)g²                the mean square; v̂ = v/(1 - β₂ᵗ)
a = μₜ₊₁/(1 - μ₁⋯μₜ₊₁)              what the next step would make of m
b = (1 - μₜ)/(1 - μ₁⋯μₜ)            what this step adds of the gradient itself
θ ← θ - η(am + bg)/(√v̂ + ε)         every parameter moves by about η; ε keeps the quotient finite

It bites where adam does, and a little sooner: what a gradient changes is felt in the same step.
"""

from collections.abc import Sequence
from typing import Any, Self

import torch
from pydantic import model_validator
from torch import Tensor

from temper.facts import ParameterGroup
from temper.optimizer.moments import Moments, check_decoupled
from temper.quantity import NonNegative, Switch
from temper.strategy import strategy

_PRODUCT = "mu_product"  # torch's name for μ₁⋯μₜ


@strategy
class NAdam(Moments):
    """Adaptive moments that look ahead."""

    momentum_decay: NonNegative
    decoupled: Switch

    @model_validator(mode="after")
    def _moves(self) -> Self:
        if self.beta1 == 0:
            raise ValueError("beta1 must be above 0: there is nothing to look ahead along; optimizer=adam has none")
        check_decoupled(self.decoupled, self.weight_decay)
        return self

    def build(self, groups: Sequence[ParameterGroup]) -> torch.optim.Optimizer:
        """Return torch's NAdam, its product of momenta kept as it is by a checkpoint."""
        optimizer = torch.optim.NAdam(
            **self.in_torch(groups),
            momentum_decay=self.momentum_decay,
            decoupled_weight_decay=self.decoupled,
            foreach=True,
        )
        optimizer.register_state_dict_post_hook(_exact)
        optimizer.register_step_pre_hook(_at_hand)
        return optimizer


def _exact(optimizer: torch.optim.Optimizer, saved: dict[str, Any]) -> None:
    """Save the product μ₁⋯μₜ as a number: a tensor would be rounded to the weights' type when it is loaded."""
    for key, state in saved["state"].items():
        if _PRODUCT in state:  # as of another rule beside this one, such as muon's, it has none
            saved["state"][key] = {**state, _PRODUCT: float(state[_PRODUCT])}


def _at_hand(optimizer: torch.optim.Optimizer, *_: Any) -> None:
    """Keep the product on the CPU, where torch makes it: Lightning moves it away, and each step would wait for it."""
    for state in optimizer.state.values():
        if _PRODUCT not in state:
            continue
        if not isinstance(state[_PRODUCT], Tensor):  # as it was saved, where another rule has loaded it
            kind = torch.float64 if torch.get_default_dtype() == torch.float64 else torch.float32
            state[_PRODUCT] = torch.tensor(state[_PRODUCT], dtype=kind, device="cpu")
        elif not state[_PRODUCT].is_cpu:
            state[_PRODUCT] = state[_PRODUCT].cpu()
