"""The layers that hold a network's weights proper, norms left aside."""

from collections.abc import Iterator

from torch import nn


def weighted_layers(network: nn.Module) -> Iterator[nn.Linear | nn.Conv2d]:
    """Yield each linear and convolution layer of ``network``, in the order in which it holds them."""
    for layer in network.modules():
        if isinstance(layer, nn.Linear | nn.Conv2d):
            yield layer
