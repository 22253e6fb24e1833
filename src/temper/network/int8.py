"""Layers of whole numbers: weights of 8 bits, inputs of 7, exact sums (Jacob et al., 2018, arXiv:1712.05877).

    s = (b - a)/127,  z = round(-a/s)          of inputs in [a, b], 0 among them
    q = clamp(⌊x/s + z + ½⌋, 0, 127)           an input as a whole number
    t = max|w| / 127,  p = round(w/t)          of the weights of one output: equation 1, with z = 0
    y = s t Σ p (q - z) + bias                 equation 4, its sums over whole numbers

Inputs take 7 bits, not 8: processors without instructions for 8 bits (x86 before AVX-512 VNNI) add pairs of products in
16 bits, which two of 255 · 127 would overflow without a word. So answers are the same on every machine.

The sums are taken by oneDNN's kernels where torch has them, and elsewhere, or where a gradient is wanted, in float32,
in which they are whole numbers too up to 2²⁴: the same but for the last digit.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from temper.network.units import Weighted

LEVELS = 127  # the largest whole number, of inputs and of weights
Range = tuple[Tensor, Tensor]  # the least and the largest input, each () or (n, 1, ...)


@dataclass(frozen=True)
class Window:
    """How a convolution goes over its inputs."""

    stride: tuple[int, ...]
    padding: tuple[int, ...]

    @classmethod
    def of(cls, layer: Weighted) -> "Window | None":
        """Return that of ``layer``; None for a linear one."""
        if isinstance(layer, nn.Linear):
            return None
        assert not isinstance(layer.padding, str)
        return cls(layer.stride, layer.padding)


def whole_weights(weight: Tensor) -> tuple[Tensor, Tensor]:
    """Return the whole numbers p of a layer's ``weight``, as float32, and the scale t of each output (outputs,)."""
    weight = weight.float()
    scale = weight.flatten(1).abs().amax(1) / LEVELS
    scale = torch.where(scale > 0, scale, 1.0)
    return (weight / scale.view(-1, *[1] * (weight.dim() - 1))).round(), scale


def scale_and_zero(held: Range) -> tuple[Tensor, Tensor]:
    """Return the scale s, and the whole number z that stands for 0, of inputs in the range ``held``."""
    least, largest = held[0].float().clamp(max=0.0), held[1].float().clamp(min=0.0)
    scale = (largest - least) / LEVELS
    scale = torch.where(scale > 0, scale, 1.0)
    return scale, (-least / scale).round()


def range_of_each(inputs: Tensor) -> Range:
    """Return the range of each example's ``inputs`` (n, ...), shaped (n, 1, ...)."""
    shape = (-1, *[1] * (inputs.dim() - 1))
    rows = inputs.flatten(1)
    return rows.amin(1).view(shape), rows.amax(1).view(shape)


def float_answer(
    inputs: Tensor, held: Range | None, whole: Tensor, scale: Tensor, bias: Tensor | None, window: Window | None
) -> Tensor:
    """Return what a layer of whole numbers answers to ``inputs`` (n, ...), its sums taken in float32.

    Args:
        inputs: as they come.
        held: their range; None for that of each example.
        whole: the numbers p of the weights, in float32.
        scale: t of each output.
        bias: of each output.
        window: of a convolution; None for a linear layer.
    """
    with torch.autocast(inputs.device.type, enabled=False):
        step, zero = scale_and_zero(range_of_each(inputs) if held is None else held)
        centred = _counted(inputs, 1 / step, zero + 0.5).floor() - zero
        sums = F.linear(centred, whole) if window is None else F.conv2d(centred, whole, None, *_ways(window))
        return _with(bias, sums * (step * _along(scale, sums))).to(inputs.dtype)


def _ways(window: Window) -> Any:
    return window.stride, window.padding


def _along(values: Tensor, answer: Tensor) -> Tensor:
    """Return ``values`` (outputs,) so that they lie along the outputs of ``answer``."""
    return values.view(-1, *[1] * (answer.dim() - 2))


def _with(bias: Tensor | None, answer: Tensor) -> Tensor:
    return answer if bias is None else answer + _along(bias.float(), answer)


def _counted(inputs: Tensor, inverse: Tensor, above: Tensor) -> Tensor:
    """Return what the whole numbers q are the floor of, ``inverse`` being 1/s and ``above`` z + ½: in two passes."""
    return torch.addcmul(above, inputs.float(), inverse).clamp_(0.0, LEVELS + 0.5)


class Int8(nn.Module):
    """A linear or convolution layer that holds whole numbers, and multiplies them.

    Args:
        layer: whose weights are rounded.
        held: the range of its inputs; None for that of each example.
    """

    scale: Tensor
    least: Tensor | None
    largest: Tensor | None

    def __init__(self, layer: Weighted, held: Range | None) -> None:
        super().__init__()
        whole, scale = whole_weights(layer.weight.detach())
        self.weight = nn.Parameter(whole.to(torch.int8), requires_grad=False)
        self.bias, self.window = layer.bias, Window.of(layer)
        self.register_buffer("scale", scale)
        self.register_buffer("least", None if held is None else held[0].detach().clone())
        self.register_buffer("largest", None if held is None else held[1].detach().clone())
        self._ready: tuple[Any, ...] | None = None  # what the kernels are given, which can be neither copied nor kept

    def forward(self, inputs: Tensor) -> Tensor:
        """Return (n, outputs, ...) for (n, inputs, ...)."""
        by_kernel = inputs.device.type == "cpu" and not torch.is_grad_enabled() and not torch.compiler.is_compiling()
        if not (by_kernel and kernels()):
            return float_answer(inputs, self._held, self.weight.float(), self.scale.float(), self.bias, self.window)
        with torch.autocast("cpu", enabled=False):
            answer = self._of_each(inputs) if self._held is None else self._of_all(inputs, self._held)
            return _with(self.bias, answer).to(inputs.dtype)

    def __getstate__(self) -> dict[str, Any]:
        """Return what is copied."""
        return self.__dict__ | {"_ready": None}

    @property
    def _held(self) -> Range | None:
        return None if self.least is None or self.largest is None else (self.least, self.largest)

    def _of_all(self, inputs: Tensor, held: Range) -> Tensor:
        if self._ready is None:
            step, zero = scale_and_zero(held)
            packed = _packed(self.weight, self.window, inputs.shape)
            self._ready = packed, step * self.scale.float(), 1 / step, zero + 0.5, int(zero)
        packed, factors, inverse, above, common = self._ready
        return _kernel_sums(_counted(inputs, inverse, above).to(torch.uint8), common, packed, factors, self.window)

    def _of_each(self, inputs: Tensor) -> Tensor:
        step, zero = scale_and_zero(range_of_each(inputs))
        window = self.window
        if window is not None and any(window.padding):  # 0 is another number in each example: it goes in before
            above, beside = window.padding
            window, inputs = Window(window.stride, (0, 0)), F.pad(inputs, (beside, beside, above, above))
        if self._ready is None:
            packed, ones = _packed(self.weight, window, inputs.shape), torch.ones(len(self.scale), dtype=torch.float32)
            self._ready = packed, ones, self.weight.float().flatten(1).sum(1)
        packed, ones, sums_of_weights = self._ready
        sums = _kernel_sums(_counted(inputs, 1 / step, zero + 0.5).to(torch.uint8), 0, packed, ones, window)
        sums -= zero * _along(sums_of_weights, sums)
        return sums.mul_(step * _along(self.scale.float(), sums))


def _packed(weight: Tensor, window: Window | None, shape: torch.Size) -> Tensor:
    """Return a layer's whole ``weight`` as the kernels want it for inputs shaped ``shape``."""
    if window is None:
        packed: Tensor = torch.ops.onednn.qlinear_prepack(weight, list(shape))
    else:
        ones = torch.ones(len(weight), dtype=torch.float32)
        packed = torch.ops.onednn.qconv_prepack(weight, ones, 1.0, 0, *_ways(window), (1, 1), 1, list(shape))
    return packed


def _kernel_sums(whole: Tensor, zero: int, packed: Tensor, factors: Tensor, window: Window | None) -> Tensor:
    """Return ``factors`` Σ p (q - ``zero``) by oneDNN, in float32."""
    zeros = torch.zeros(len(factors), dtype=torch.int32)
    plain: tuple[Any, ...] = (1.0, 0, torch.float32, "none", [], "")
    if window is None:
        sums: Tensor = torch.ops.onednn.qlinear_pointwise(whole, 1.0, zero, packed, factors, zeros, None, *plain)
    else:
        ways = (*_ways(window), (1, 1), 1)
        sums = torch.ops.onednn.qconv2d_pointwise(whole, 1.0, zero, packed, factors, zeros, None, *ways, *plain)
    return sums


@cache
def kernels() -> bool:
    """Return whether torch has kernels for whole numbers on this processor, and they add up exactly."""
    with torch.autocast("cpu", enabled=False):  # whoever asks first may be under it, and its sums are not exact
        return _exact()


def _exact() -> bool:
    # They serve torch's compiler first, and may change with a version: what they answer is looked at, not assumed.
    draws = torch.Generator().manual_seed(0)
    factors = torch.rand(16, generator=draws, dtype=torch.float32)
    for window, shape, own in ((None, (5, 80), (16, 80)), (Window((2, 2), (1, 1)), (2, 16, 6, 6), (16, 16, 3, 3))):
        whole = torch.randint(100, LEVELS + 1, shape, generator=draws, dtype=torch.uint8)
        weight = torch.randint(100, LEVELS + 1, own, generator=draws, dtype=torch.int8)
        for zero in (0, 30):
            try:
                found = _kernel_sums(whole, zero, _packed(weight, window, whole.shape), factors, window)
            except (AttributeError, RuntimeError):  # no such kernel, or not with these arguments
                return False
            held, own_numbers = whole.float() - zero, weight.float()
            sums = F.linear(held, own_numbers) if window is None else F.conv2d(held, own_numbers, None, *_ways(window))
            if not torch.equal(found, sums * _along(factors, sums)):
                return False
    return True
