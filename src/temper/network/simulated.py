"""Layers that train in float and answer as layers of whole numbers would (`temper.network.int8`).

    a ← (1 - m) a + m min x,  b ← (1 - m) b + m max x    of each batch that is watched, the first as it is
    x̂ = s (q - z),  ŵ = t p                               what an input and a weight are rounded to
    ∂x̂/∂x = 1 where -z s ≤ x ≤ (127 - z) s, else 0;  ∂ŵ/∂w = 1    the straight-through estimator (arXiv:1308.3432)

The range of inputs is a statistic like those of batch norm: in the checkpoint, held where they are held, taken anew
where weights were averaged. x is what all processes see together: they take the steps of one. Its attributes have the
names that batch norm's have.
"""

import copy
from collections.abc import Callable
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch import distributed as dist
from torch.nn import functional as F

from temper.network.int8 import LEVELS, Int8, Range, Window, float_answer, scale_and_zero, whole_weights
from temper.network.layered import Layered
from temper.network.units import Weighted

RANGE = ("least", "largest", "watched")  # the buffers of a simulated layer, by their last names
Network = TypeVar("Network", bound=Layered)


class Simulated(nn.Module):
    """What a simulated layer has beside the layer.

    Attributes:
        watched: batches that were seen since it began, (); evaluation is in whole numbers where there are any.
        track_running_stats: whether batches are counted in training, and their range is taken.
        momentum: the weight of a batch in the range; None for the plain mean over batches.
        rounds: whether training too goes by rounded inputs and weights.
        of_each: whether each example has its own range, and none is taken.
    """

    least: Tensor
    largest: Tensor
    watched: Tensor
    weight: Any  # as in the layer
    bias: Any

    def simulate(self, of_each: bool, momentum: float | None) -> None:
        """Begin with no range."""
        place = self.weight.device
        self.register_buffer("least", torch.zeros((), device=place))
        self.register_buffer("largest", torch.zeros((), device=place))
        self.register_buffer("watched", torch.zeros((), dtype=torch.long, device=place))
        self.track_running_stats, self.rounds, self.of_each, self.momentum = False, False, of_each, momentum

    def reset_running_stats(self) -> None:
        """Forget the range."""
        for buffer in (self.least, self.largest, self.watched):
            buffer.zero_()

    @property
    def held(self) -> Range | None:
        """Return the range of the inputs; None for that of each example."""
        return None if self.of_each else (self.least, self.largest)

    def in_whole_numbers(self) -> nn.Module:
        """Return the layer of whole numbers that this one stands for; of floating point where it has no range yet."""
        assert isinstance(self, nn.Linear | nn.Conv2d)
        return Int8(self, self.held) if self.watched else self.floating()

    def floating(self) -> nn.Module:
        """Return the plain layer of the same weights."""
        assert isinstance(self, nn.Linear | nn.Conv2d)
        return _like(self, nn.Linear, nn.Conv2d)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return (n, outputs, ...) for (n, inputs, ...)."""
        if self.training:
            if self.track_running_stats:
                self._watch(inputs.detach())
            if not self.rounds:
                return self._product(inputs, self.weight)
            return self._product(_rounded(inputs, self.held), _rounded_weight(self.weight))
        if not self.watched:
            return self._product(inputs, self.weight)
        assert isinstance(self, nn.Linear | nn.Conv2d)
        return float_answer(inputs, self.held, *whole_weights(self.weight), self.bias, Window.of(self))

    def _product(self, inputs: Tensor, weight: Tensor) -> Tensor:
        raise NotImplementedError

    @torch.no_grad()
    def _watch(self, inputs: Tensor) -> None:
        self.watched += 1
        if self.of_each:
            return
        least, largest = inputs.amin().float(), inputs.amax().float()
        if self.momentum is None:  # a plain mean is over batches that all processes see alike, or one sees alone
            share = 1 / self.watched
        else:
            least, largest = _of_all(least, largest)
            share = torch.where(self.watched == 1, 1.0, self.momentum)
        for buffer, value in ((self.least, least), (self.largest, largest)):
            buffer += (value - buffer) * share


class SimulatedLinear(Simulated, nn.Linear):
    """A linear layer that answers in whole numbers."""

    def _product(self, inputs: Tensor, weight: Tensor) -> Tensor:
        return F.linear(inputs, weight, self.bias)


class SimulatedConv2d(Simulated, nn.Conv2d):
    """A convolution that answers in whole numbers."""

    def _product(self, inputs: Tensor, weight: Tensor) -> Tensor:
        found: Tensor = self._conv_forward(inputs, weight, self.bias)
        return found


def _of_all(least: Tensor, largest: Tensor) -> tuple[Tensor, Tensor]:
    """Return the range of what all processes see; each watches as many micro-batches as any other."""
    if not dist.is_available() or not dist.is_initialized() or dist.get_world_size() == 1:
        return least, largest
    both = torch.stack((-least, largest))
    dist.all_reduce(both, op=dist.ReduceOp.MAX)
    return -both[0], both[1]


def _rounded(inputs: Tensor, held: Range | None) -> Tensor:
    """Return x̂ of ``inputs``, of their own type."""
    assert held is not None
    scale, zero = scale_and_zero(held)
    within = torch.clamp(
        inputs.to(torch.promote_types(inputs.dtype, scale.dtype)), -zero * scale, (LEVELS - zero) * scale
    )
    return (within + ((within / scale + 0.5).floor() * scale - within).detach()).to(inputs.dtype)


def _rounded_weight(weight: Tensor) -> Tensor:
    """Return ŵ of ``weight``, of its own type."""
    whole, scale = whole_weights(weight.detach())
    rounded = (whole * scale.view(-1, *[1] * (weight.dim() - 1))).to(weight.dtype)
    return weight + (rounded - weight).detach()


def simulated(network: Network, of_each: bool, momentum: float | None) -> Network:
    """Return ``network`` with a simulated layer in the place of each linear and convolution layer, of the same weights.

    Args:
        network: is changed.
        of_each: whether each example has its own range.
        momentum: the weight of a batch in the range of a layer's inputs.
    """
    layers = [(name, layer) for name, layer in network.named_modules() if isinstance(layer, nn.Linear | nn.Conv2d)]
    for name, layer in layers:
        stands_in = _like(layer, SimulatedLinear, SimulatedConv2d)
        assert isinstance(stands_in, Simulated)
        stands_in.simulate(of_each, momentum)
        network.set_submodule(name, stands_in)
    return network


def in_whole_numbers(network: Network) -> Network:
    """Return a copy of ``network`` with layers of whole numbers for those that are simulated and have seen a batch."""
    return _without_simulated(network, Simulated.in_whole_numbers)


def plain(network: Network) -> Network:
    """Return a copy of ``network`` that answers in floating point."""
    return _without_simulated(network, Simulated.floating)


def _without_simulated(network: Network, instead: Callable[[Simulated], nn.Module]) -> Network:
    copied = copy.deepcopy(network)
    for name, layer in [*copied.named_modules()]:
        if isinstance(layer, Simulated):
            copied.set_submodule(name, instead(layer).train(layer.training))
    return copied


def layers_of(network: nn.Module) -> list[Simulated]:
    """Return the simulated layers of ``network``."""
    return [layer for layer in network.modules() if isinstance(layer, Simulated)]


def _like(layer: Weighted, linear: type[nn.Linear], convolution: type[nn.Conv2d]) -> Weighted:
    """Return a layer of one of the kinds, of the size and with the weights of ``layer``."""
    made: Weighted
    with torch.device("meta"):  # its weights are given, and not drawn
        if isinstance(layer, nn.Linear):
            made = linear(layer.in_features, layer.out_features, layer.bias is not None)
        else:
            assert layer.groups == 1
            size, ways = layer.kernel_size, (layer.stride, layer.padding)
            made = convolution(layer.in_channels, layer.out_channels, size, *ways, bias=layer.bias is not None)  # type: ignore[arg-type]
    made.weight, made.bias = layer.weight, layer.bias
    return made
