"""All weights and biases at zero, the classic start of linear regression (Cauchy, 1847, where any start will do).

    w = 0, b = 0     in every linear and convolution layer; norms stay the identity

It suits one layer, where it makes a run independent of the seed. In a deeper network all units of a layer stay alike
and most gradients vanish: it is here to show that.
"""

from torch import nn

from temper.network.layers import weighted_layers
from temper.strategy import Initialization, strategy


@strategy
class Zeros(Initialization):
    """Start from nothing."""

    def apply(self, network: nn.Module) -> None:
        """Set the weights and biases of linear and convolution layers to zero."""
        for layer in weighted_layers(network):
            nn.init.zeros_(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
