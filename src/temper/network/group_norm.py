"""Group norm (Wu and He, 2018, arXiv:1803.08494): each example is normalised by itself, not by its batch.

    x̂ = (x - μ)/√(σ² + ε)     μ, σ² over a group of an example's channels, and all positions (equations 1 to 3)
    y = γx̂ + β                γ, β by the channel

Groups of 16 channels did nearly as well as the best in the paper (table 3). It bites where batches are small, or where
no example may see another; with large batches batch norm learns a little better.
"""

from typing import TypeVar

from torch import nn

Network = TypeVar("Network", bound=nn.Module)
CHANNELS = 16  # of a group, at least, where a layer has so many


def with_group_norm(network: Network) -> Network:
    """Return ``network`` with a group norm in the place of each of its batch norms."""
    for holder in list(network.modules()):
        for name, layer in list(holder.named_children()):
            if isinstance(layer, nn.BatchNorm2d):
                holder.add_module(name, nn.GroupNorm(groups(layer.num_features), layer.num_features, layer.eps))
    return network


def groups(channels: int) -> int:
    """Return the most groups of equal size into which ``channels`` can be cut with 16 channels or more to each."""
    most = max(1, channels // CHANNELS)
    return next(count for count in range(most, 0, -1) if channels % count == 0)
