"""All weights at one value, to show why they must differ (Rumelhart, Hinton and Williams, 1986, Nature 323).

    w = c, b = d     in every linear and convolution layer; norms stay the identity

All units of a layer then say the same, get the same gradient and stay alike for good: however wide, the layer is one
unit. It suits a model of one layer, which has no units to tell apart, where a start at a known place is wanted.
"""

from torch import nn

from temper.network.layers import weighted_layers
from temper.quantity import Real
from temper.strategy import Initialization, strategy


@strategy
class Constant(Initialization):
    """Start from one value."""

    weight: Real
    bias: Real

    def apply(self, network: nn.Module) -> None:
        """Set the weights of linear and convolution layers to one value, their biases to another."""
        for layer in weighted_layers(network):
            nn.init.constant_(layer.weight, self.weight)
            if layer.bias is not None:
                nn.init.constant_(layer.bias, self.bias)
