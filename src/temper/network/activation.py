"""Activations by name: what stands between two linear layers so that they do not collapse into one.

relu x if x > 0 else 0                leaky_relu, elu, selu   let negative values through, scaled or saturated
tanh, sigmoid saturate on both sides  gelu, silu, mish        smooth: x times a share that grows with x
softplus log(1 + e^x)                 identity                none: the network stays linear
"""

from collections.abc import Callable
from typing import Literal

from torch import nn

Activation = Literal[
    "relu", "leaky_relu", "elu", "selu", "tanh", "sigmoid", "gelu", "silu", "mish", "softplus", "identity"
]

_MODULES: dict[Activation, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "elu": nn.ELU,
    "selu": nn.SELU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "mish": nn.Mish,
    "softplus": nn.Softplus,
    "identity": nn.Identity,
}


def activation(name: Activation) -> nn.Module:
    """Return a fresh module of the activation ``name``, without parameters."""
    return _MODULES[name]()
