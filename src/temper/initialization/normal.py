"""Weights drawn alike for every layer (Krizhevsky et al., 2012, AlexNet, section 5: with a deviation of 0.01).

    w ~ N(mean, std^2)     in every linear and convolution layer, whatever its size; b = 0, norms stay the identity

It bites in shallow networks, or where norms follow each layer and make its scale immaterial. A layer of f inputs
stretches the signal by std sqrt(f): in deep networks it fades or grows, which `xavier` and `kaiming` mend.
"""

from torch import nn

from temper.network.layers import weighted_layers
from temper.quantity import Positive, Real
from temper.strategy import Initialization, strategy


@strategy
class Normal(Initialization):
    """Draw weights around a mean."""

    mean: Real
    std: Positive

    def apply(self, network: nn.Module) -> None:
        """Draw the weights of linear and convolution layers and set their biases to zero."""
        for layer in weighted_layers(network):
            nn.init.normal_(layer.weight, self.mean, self.std)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
