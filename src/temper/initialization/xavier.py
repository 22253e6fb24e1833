"""Weights between what keeps the signal and what keeps the gradient (Glorot and Bengio, 2010, equations 12 and 16).

    std(w) = gain sqrt(2 / (f + g))     f: inputs of one output (fan-in); g: outputs of one input (fan-out)
    w ~ U(-sqrt(3) std, sqrt(3) std) or N(0, std^2),   b = 0; norms stay the identity
    gain                                makes up for what the activation takes away: linear and sigmoid 1, tanh 5/3,
                                        relu sqrt(2), leaky_relu sqrt(2 / 1.0001), selu 3/4 (PyTorch's), or a number

It bites in deep networks of saturating activations; for ReLU layers `kaiming` asks only for the side that matters.
"""

from typing import Literal

from torch import nn

from temper.network.layers import weighted_layers
from temper.quantity import Positive
from temper.strategy import Initialization, strategy


@strategy
class Xavier(Initialization):
    """Draw weights at the size that lies between forward and backward."""

    distribution: Literal["uniform", "normal"]
    gain: Literal["linear", "sigmoid", "tanh", "relu", "leaky_relu", "selu"] | Positive

    def apply(self, network: nn.Module) -> None:
        """Draw the weights of linear and convolution layers and set their biases to zero."""
        draw = nn.init.xavier_normal_ if self.distribution == "normal" else nn.init.xavier_uniform_
        gain = nn.init.calculate_gain(self.gain) if isinstance(self.gain, str) else self.gain
        for layer in weighted_layers(network):
            draw(layer.weight, gain=gain)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
