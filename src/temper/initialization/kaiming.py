"""Weights that keep the signal's size through ReLU layers (He et al., 2015, arXiv:1502.01852, equations 10 and 14).

    std(w) = sqrt(2 / f)               the 2 makes up for the half that a ReLU sets to zero
    f = fan_in                         inputs of one output: the size is kept on the way forward
    f = fan_out                        outputs of one input: the gradient's size is kept on the way back
    w ~ N(0, std^2) or U(-sqrt(3) std, sqrt(3) std),   b = 0

It bites in deep ReLU networks, most of all without norms.
"""

from typing import Literal

from torch import nn

from temper.network.layers import weighted_layers
from temper.strategy import Initialization, strategy


@strategy
class Kaiming(Initialization):
    """Draw weights at the size that ReLU layers keep."""

    mode: Literal["fan_in", "fan_out"]
    distribution: Literal["normal", "uniform"]

    def apply(self, network: nn.Module) -> None:
        """Draw the weights of linear and convolution layers and set their biases to zero."""
        draw = nn.init.kaiming_normal_ if self.distribution == "normal" else nn.init.kaiming_uniform_
        for layer in weighted_layers(network):
            draw(layer.weight, mode=self.mode, nonlinearity="relu")
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
