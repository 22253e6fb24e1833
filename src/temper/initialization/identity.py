"""Layers that hand on what they get (Le, Jaitly and Hinton, 2015, arXiv:1504.00941, for ReLUs; Dirac for convolutions).

    W[i, j] = 1 if i = j else 0                          linear: output i is input i
    W[i, j, y, x] = 1 if i = j at the filter's centre    convolution: channel i is channel i; a stride skips pixels
    b = 0                                                norms stay the identity

Where a layer is not square, its first min(inputs, outputs) go through: further inputs are not looked at, further
outputs are 0 with ``rest`` at zeros, and start as the layer was born with default (Jordan, 2024, arXiv:2404.00498,
section 3.3). Behind a ReLU, an output of 0 that the next layer does not look at gets no gradient and never learns:
zeros suit layers of equal widths. ``layers`` at convolutions leaves linear ones, such as the head, as they were born.
It bites in deep plain stacks, which start as if they were one layer.
"""

from typing import Literal

import torch
from torch import nn

from temper.network.layers import weighted_layers
from temper.strategy import Initialization, strategy


@strategy
class Identity(Initialization):
    """Start by changing nothing."""

    layers: Literal["all", "convolutions"]
    rest: Literal["zeros", "default"]

    def apply(self, network: nn.Module) -> None:
        """Set layers to the identity, convolutions to Dirac's delta, their biases to zero."""
        for layer in weighted_layers(network):
            if isinstance(layer, nn.Linear) and self.layers == "convolutions":
                continue
            kept = layer.weight.detach().clone()
            if isinstance(layer, nn.Conv2d):
                nn.init.dirac_(layer.weight, layer.groups)
            else:
                nn.init.eye_(layer.weight)
            if self.rest == "default":
                empty = layer.weight.detach().flatten(1).count_nonzero(1) == 0  # outputs that no input goes through to
                with torch.no_grad():
                    layer.weight[empty] = kept[empty]
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
