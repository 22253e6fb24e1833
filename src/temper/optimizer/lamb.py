"""LAMB: Adam's step, made as long as its layer's weights allow (You et al., 2020, arXiv:1904.00962, Algorithm 2).

m ← β₁m + (1 - β₁)g             the mean of gradients g = ∇J(θ); m̂ = m/(1 - β₁ᵗ)
v ← β₂v + (1 - β₂)g²            the mean square; v̂ = v/(1 - β₂ᵗ)
u = m̂/(√v̂ + ε) + λθ             adam's step, with weight decay λ decoupled from it; ε keeps the quotient finite
θ ← θ - η φ(‖θ‖)/‖u‖ · u        each layer moves by the share η of its weights' length, whatever u is
φ(z) = min(max(z, a), b)        that length within the bounds a and b, where they are given

Biases and norm parameters, whatever `groups` lets not decay, take η·u; so does a layer whose weights are all 0, unless
a is given. It bites with very large batches, where one η would be too much for some layers, too little for others.
"""

from collections.abc import Sequence
from typing import Any, Self

import torch
from pydantic import model_validator
from torch import Tensor

from temper.facts import ParameterGroup
from temper.optimizer.layerwise import Layerwise, layerwise_groups, lengths, ratios
from temper.optimizer.moments import Moments
from temper.quantity import Positive
from temper.strategy import strategy


@strategy
class LAMB(Moments):
    """Adaptive moments, each layer at its own rate."""

    shortest: Positive | None
    longest: Positive | None

    @model_validator(mode="after")
    def _bounds(self) -> Self:
        if self.shortest is not None and self.longest is not None and self.shortest > self.longest:
            raise ValueError(f"shortest must be at most longest={self.longest:g}: lower it, or leave one of them null")
        return self

    def build(self, groups: Sequence[ParameterGroup]) -> torch.optim.Optimizer:
        """Return our own: libraries leave out the correction or φ, or pick layers by the decay's value."""
        defaults = {
            "betas": (self.beta1, self.beta2),
            "eps": self.eps,
            "shortest": self.shortest,
            "longest": self.longest,
        }
        return LayerMoments(layerwise_groups(groups, self.lr, self.weight_decay), defaults)


class LayerMoments(Layerwise):
    """The steps of LAMB."""

    def move(self, group: dict[str, Any], weights: list[Tensor], gradients: list[Tensor]) -> None:
        """Move the weights by their layers' shares."""
        beta1, beta2 = group["betas"]
        means, squares = self.remembered("mean", weights), self.remembered("square", weights)
        steps = self._count(weights)
        torch._foreach_lerp_(means, gradients, 1 - beta1)
        torch._foreach_mul_(squares, beta2)
        torch._foreach_addcmul_(squares, gradients, gradients, 1 - beta2)
        roots = torch._foreach_sqrt(squares)
        torch._foreach_div_(roots, [(1 - beta2**step) ** 0.5 for step in steps])
        torch._foreach_add_(roots, group["eps"])
        pulls = list(torch._foreach_div(means, [1 - beta1**step for step in steps]))
        torch._foreach_div_(pulls, roots)
        torch._foreach_add_(pulls, weights, alpha=group["weight_decay"])
        if group["adapts"]:
            sizes = lengths(weights)
            if group["shortest"] is not None or group["longest"] is not None:
                sizes = sizes.clamp(group["shortest"], group["longest"])
            torch._foreach_mul_(pulls, ratios(sizes, lengths(pulls)))
        torch._foreach_sub_(weights, pulls, alpha=group["lr"])

    def _count(self, weights: list[Tensor]) -> list[float]:
        """Return how many steps each of ``weights`` has taken, this one included."""
        counted = []
        for weight in weights:
            # By this name and on the CPU torch and Lightning leave a count as it is when they load a checkpoint.
            step = self.state[weight].setdefault("step", torch.zeros(()))
            step += 1
            counted.append(step.item())
        return counted
