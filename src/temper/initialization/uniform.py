"""Weights drawn alike for every layer (Rumelhart, Hinton and Williams, 1986, Nature 323: between -0.3 and 0.3).

    w ~ U(low, high)     in every linear and convolution layer, whatever its size; b = 0, norms stay the identity
    std(w) = (high - low) / sqrt(12)

It bites in small networks, where units need only differ. A layer of f inputs stretches the signal by std(w) sqrt(f): in
deep or wide networks it grows or fades from layer to layer, which `xavier` and `kaiming` mend by the layer's size.
"""

from typing import Self

from pydantic import model_validator
from torch import nn

from temper.network.layers import weighted_layers
from temper.quantity import Real
from temper.strategy import Initialization, strategy


@strategy
class Uniform(Initialization):
    """Draw weights between two bounds."""

    low: Real
    high: Real

    @model_validator(mode="after")
    def _is_an_interval(self) -> Self:
        if self.low >= self.high:
            raise ValueError(
                f"low={self.low:g} must be < high={self.high:g}: widen it, or choose"
                " initialization=constant for one value"
            )
        return self

    def apply(self, network: nn.Module) -> None:
        """Draw the weights of linear and convolution layers and set their biases to zero."""
        for layer in weighted_layers(network):
            nn.init.uniform_(layer.weight, self.low, self.high)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
