"""Two layers of less rank in the place of one, with the same answers.

    W = U Σ Vᵀ                       the singular value decomposition of a layer's matrix, (rows, columns)
    Σ½ Vᵀ, then U Σ½                 the two layers, of its rank r; the second holds the layer's bias
    r (rows + columns)               parameters of the two, instead of rows · columns: less where r is small enough

The matrix of a linear layer is its weight. A convolution's, (O, I, h, w), is one of two:

    channel   (O, I h w)             r filters of the layer's size, then 1x1: Zhang et al., 2015, arXiv:1505.06798
    spatial   (O w, I h)             r filters of h x 1, then 1 x w: Jaderberg et al., 2014, arXiv:1405.3866, scheme 2

Spatial's first filters stand at every column, also where the layer strides over some, and save fewer multiply-adds.
"""

import copy
from typing import Literal, TypeVar

import torch
from torch import Tensor, nn

from temper.network.layered import Layered
from temper.network.units import Weighted

Convolution = Literal["channel", "spatial"]
Network = TypeVar("Network", bound=Layered)


class Factored(nn.Module):
    """Two layers in the place of one."""

    def __init__(self, first: Weighted, second: Weighted) -> None:
        super().__init__()
        self.first, self.second = first, second

    @property
    def rank(self) -> int:
        """Return how many features the first layer hands to the second."""
        return len(self.first.weight)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return what the one layer made of ``inputs``."""
        answer: Tensor = self.second(self.first(inputs))
        return answer


def layers_before_head(network: Layered) -> dict[str, Weighted]:
    """Return the linear and convolution layers by name, without the head: it has as many rows as there are classes."""
    found = ((name, layer) for name, layer in network.named_modules() if layer is not network.head)
    return {name: layer for name, layer in found if isinstance(layer, nn.Linear | nn.Conv2d)}


def matrix_of(weight: Tensor, convolution: Convolution) -> Tensor:
    """Return the matrix (rows, columns) of a layer's ``weight``."""
    if weight.dim() == 2 or convolution == "channel":
        return weight.flatten(1)
    outputs, inputs, height, width = weight.shape
    return weight.permute(0, 3, 1, 2).reshape(outputs * width, inputs * height)


def weight_of(matrix: Tensor, shape: torch.Size, convolution: Convolution) -> Tensor:
    """Return the weight shaped ``shape`` of which ``matrix`` is the matrix."""
    if len(shape) == 2 or convolution == "channel":
        return matrix.view(shape)
    outputs, inputs, height, width = shape
    return matrix.view(outputs, width, inputs, height).permute(0, 2, 3, 1)


def pays(rank: int, matrix: Tensor) -> bool:
    """Return whether two layers of ``rank`` have fewer parameters than the one of ``matrix``."""
    return rank * sum(matrix.shape) < matrix.numel()


@torch.no_grad()
def factored(network: Network, convolution: Convolution) -> Network:
    """Return a copy of ``network`` with two layers for each before the head whose rank pays; itself where none does."""
    pairs = {name: pair for name, layer in layers_before_head(network).items() if (pair := _pair(layer, convolution))}
    if not pairs:
        return network
    small = copy.deepcopy(network)
    for name, pair in pairs.items():
        small.set_submodule(name, pair)
    return small


def _pair(layer: Weighted, convolution: Convolution) -> Factored | None:
    """Return the two layers in the place of ``layer``; None where they would not be smaller."""
    weight = layer.weight.detach()
    matrix = matrix_of(weight, convolution)
    left, values, right = torch.linalg.svd(matrix.double(), full_matrices=False)
    # What is kept at a rank is rounded to the weights' own type: what that adds is no rank.
    smallest = values[0] * max(matrix.shape) * torch.finfo(weight.dtype).eps
    rank = max(1, int((values > smallest).sum()))
    if not pays(rank, matrix):
        return None
    roots = values[:rank].sqrt()
    first, second = (roots[:, None] * right[:rank]).to(weight.dtype), (left[:, :rank] * roots).to(weight.dtype)
    with torch.device("meta"):  # their weights are given, and not drawn
        pair = _linear(layer, rank) if isinstance(layer, nn.Linear) else _convolutions(layer, rank, convolution)
    pair.first.weight = _parameter(_first_weight(first, weight.shape, convolution), layer.weight)
    pair.second.weight = _parameter(_second_weight(second, weight.shape, convolution), layer.weight)
    if layer.bias is not None:
        pair.second.bias = nn.Parameter(layer.bias.clone(), requires_grad=layer.bias.requires_grad)
    return pair.train(layer.training)


def _parameter(weight: Tensor, like: Tensor) -> nn.Parameter:
    """Return a parameter of ``weight``, laid out in memory as ``like`` is, and trained where that is."""
    last = like.dim() == 4 and not like.is_contiguous() and like.is_contiguous(memory_format=torch.channels_last)
    layout = torch.channels_last if last else torch.contiguous_format
    return nn.Parameter(weight.contiguous(memory_format=layout), requires_grad=like.requires_grad)


def _first_weight(matrix: Tensor, shape: torch.Size, convolution: Convolution) -> Tensor:
    if len(shape) == 2:
        return matrix
    _, inputs, height, width = shape
    return matrix.view(-1, inputs, height, width if convolution == "channel" else 1)


def _second_weight(matrix: Tensor, shape: torch.Size, convolution: Convolution) -> Tensor:
    if len(shape) == 2:
        return matrix
    outputs, _, _, width = shape
    if convolution == "channel":
        return matrix.view(outputs, -1, 1, 1)
    return matrix.view(outputs, width, -1).transpose(1, 2).unsqueeze(2)


def _linear(layer: nn.Linear, rank: int) -> Factored:
    first = nn.Linear(layer.in_features, rank, bias=False)
    return Factored(first, nn.Linear(rank, layer.out_features, bias=layer.bias is not None))


def _convolutions(layer: nn.Conv2d, rank: int, convolution: Convolution) -> Factored:
    assert not isinstance(layer.padding, str)
    height, width = layer.kernel_size
    (down, right), (above, beside) = layer.stride, layer.padding
    if convolution == "channel" or width == 1:  # one column: the first may take all strides, and the second skips none
        first = nn.Conv2d(layer.in_channels, rank, (height, width), (down, right), (above, beside), bias=False)
        return Factored(first, nn.Conv2d(rank, layer.out_channels, 1, bias=layer.bias is not None))
    first = nn.Conv2d(layer.in_channels, rank, (height, 1), (down, 1), (above, 0), bias=False)
    second = nn.Conv2d(rank, layer.out_channels, (1, width), (1, right), (0, beside), bias=layer.bias is not None)
    return Factored(first, second)
