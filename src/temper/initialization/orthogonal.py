"""Weights that turn the signal and do not stretch it (Saxe et al., 2013, arXiv:1312.6120, section 3).

    W W^T = gain^2 I (or W^T W, whichever is smaller)     W: one row an output, filters flattened; b = 0

All singular values are alike, so that products of many layers neither blow up nor vanish along any direction. It bites
in deep linear, tanh and recurrent networks; for ReLU a gain of sqrt(2) makes up for the half that is cut.
"""

from torch import nn

from temper.network.layers import weighted_layers
from temper.quantity import Positive
from temper.strategy import Initialization, strategy


@strategy
class Orthogonal(Initialization):
    """Draw weights as scaled rotations."""

    gain: Positive

    def apply(self, network: nn.Module) -> None:
        """Draw the weights of linear and convolution layers and set their biases to zero."""
        for layer in weighted_layers(network):
            nn.init.orthogonal_(layer.weight, gain=self.gain)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
