"""LARS: momentum with a rate for each layer, by the length of its weights (You et al., 2017, arXiv:1708.03888, Alg. 1).

u = ∇J(θ) + λθ                  the gradient of a layer's weights θ, with weight decay λ coupled to it
l = τ‖θ‖/(‖∇J(θ)‖ + λ‖θ‖)       the layer's own rate: at most the share ητ of its weights' length is added to v
v ← γv + ηlu                    the velocity; the rate is in it, as in the paper (momentum keeps it outside)
θ ← θ - v                       the step

Steps that keep their direction grow up to 1/(1 - γ) times as long as what is added, ten times at the default γ.
Biases and norm parameters, whatever `groups` lets not decay, have l = 1; so does a layer whose weights are all 0. It
bites with very large batches, whose large η would blow up the layers with small weights; a warm-up belongs to it.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from temper.facts import ParameterGroup
from temper.optimizer.layerwise import Layerwise, layerwise_groups, lengths, ratios
from temper.quantity import Forgetting, NonNegative, Positive
from temper.strategy import Optimizer, strategy


@strategy
class LARS(Optimizer):
    """Momentum, each layer at its own rate."""

    lr: Positive
    momentum: Forgetting
    trust: Positive
    weight_decay: NonNegative

    def build(self, groups: Sequence[ParameterGroup]) -> torch.optim.Optimizer:
        """Return our own: libraries pick layers by their dimensions or by the decay's value, and not by ``groups``."""
        defaults = {"momentum": self.momentum, "trust": self.trust}
        return LayerRates(layerwise_groups(groups, self.lr, self.weight_decay), defaults)


class LayerRates(Layerwise):
    """The steps of LARS."""

    def move(self, group: dict[str, Any], weights: list[Tensor], gradients: list[Tensor]) -> None:
        """Move the weights along their velocity."""
        velocities = self.remembered("velocity", weights)
        pulls = torch._foreach_add(gradients, weights, alpha=group["weight_decay"])
        if group["adapts"]:
            sizes = lengths(weights)
            slopes = lengths(gradients) + group["weight_decay"] * sizes
            torch._foreach_mul_(pulls, ratios(group["trust"] * sizes, slopes))
        torch._foreach_mul_(velocities, group["momentum"])
        torch._foreach_add_(velocities, pulls, alpha=group["lr"])
        torch._foreach_sub_(weights, velocities)
