"""The networks of the house that have units, in float64, with nothing in them that is the identity by chance."""

from typing import Any

import torch
from torch import nn

from temper.network.convnet import ConvNet, Offset
from temper.network.layered import Layered
from temper.network.mlp import MLP
from temper.network.resnet import ResNet

SHAPE: dict[str, Any] = {"blocks": [2, 1], "widths": [4, 6]}
STAGES: dict[str, Any] = {"widths": [4, 5], "pooling": "max", "offset": True, "logit_scale": 0.5}
PIXELS, ROWS = (3, 8, 8), (7,)
NETWORKS: dict[str, tuple[tuple[int, ...], list[int]]] = {  # shape of an input, and how many units each kind has
    "mlp relu": (ROWS, [4, 5, 6]),
    "mlp sigmoid": (ROWS, [4, 5, 6]),
    "residual": (PIXELS, [4, 4, 6]),
    "preactivation": (PIXELS, [4, 4, 6]),
    "plain": (PIXELS, [4, 4, 6]),
    "dense": (PIXELS, [4, 4, 6]),
    "residual bottleneck": (PIXELS, [4, 4, 4, 4, 6, 6]),
    "preactivation bottleneck": (PIXELS, [4, 4, 4, 4, 6, 6]),
    "convnet gelu 1": (PIXELS, [4, 5]),
    "convnet softplus 3": (PIXELS, [4, 4, 4, 5, 5, 5]),
    "convnet gelu 1 added": (PIXELS, [4, 5]),
    "convnet softplus 2 added": (PIXELS, [4, 5]),
    "convnet gelu 3 added": (PIXELS, [4, 4, 5, 5]),
}


def network(name: str) -> Layered:
    """Return the network of that name in float64, every parameter and statistic of its norms drawn."""
    torch.manual_seed(0)
    first, *words = name.split()
    made: Layered
    if first == "mlp":
        made = MLP(ROWS, 2, hidden=[4, 5, 6], between=words[0])  # type: ignore[arg-type]
    elif first == "convnet":
        made = ConvNet(3, 2, between=words[0], convolutions=int(words[1]), residual="added" in words, **STAGES)  # type: ignore[arg-type]
    else:
        made = ResNet(3, 2, connection=first, bottleneck="bottleneck" in words, **SHAPE)  # type: ignore[arg-type]
    for layer in made.modules():
        if isinstance(layer, Offset):
            nn.init.normal_(layer.bias)
        if isinstance(layer, nn.BatchNorm2d):
            assert layer.running_mean is not None
            assert layer.running_var is not None
            for values in (layer.running_mean, layer.bias):
                nn.init.uniform_(values, -1, 2)
            for values in (layer.running_var, layer.weight):
                nn.init.uniform_(values, 0.5, 2)
    return made.double().eval()


def inputs(name: str) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(3, *NETWORKS[name][0], generator=generator, dtype=torch.float64)
