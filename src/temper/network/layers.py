"""The layers that hold a network's weights proper, norms left aside, and the type that a network computes in."""

from collections.abc import Iterator

import torch
from torch import nn


def weighted_layers(network: nn.Module) -> Iterator[nn.Linear | nn.Conv2d]:
    """Yield each linear and convolution layer of ``network``, in the order in which it holds them."""
    for layer in network.modules():
        if isinstance(layer, nn.Linear | nn.Conv2d):
            yield layer


def dtype_of(network: nn.Module) -> torch.dtype:
    """Return the floating-point type of what ``network`` takes and gives, also where its weights are whole numbers."""
    weights = (weight.dtype for weight in network.parameters())
    return next((dtype for dtype in weights if dtype.is_floating_point), torch.float32)
