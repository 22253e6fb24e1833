"""Layers that hand on what they get (Le, Jaitly and Hinton, 2015, arXiv:1504.00941, for ReLUs; Dirac for convolutions).

    W[i, j] = 1 if i = j else 0                          linear: output i is input i
    W[i, j, y, x] = 1 if i = j at the filter's centre    convolution: channel i is channel i; a stride skips pixels
    b = 0                                                norms stay the identity

Where a layer is not square, its first min(inputs, outputs) go through: further inputs are not looked at, further
outputs are 0. Behind a ReLU, an output of 0 that the next layer does not look at gets no gradient and never learns: it
suits layers of equal widths. It bites in deep plain stacks, which start as if they were one layer.
"""

from torch import nn

from temper.network.layers import weighted_layers
from temper.strategy import Initialization, strategy


@strategy
class Identity(Initialization):
    """Start by changing nothing."""

    def apply(self, network: nn.Module) -> None:
        """Set linear layers to the identity, convolutions to Dirac's delta, their biases to zero."""
        for layer in weighted_layers(network):
            if isinstance(layer, nn.Conv2d):
                nn.init.dirac_(layer.weight, layer.groups)
            else:
                nn.init.eye_(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
