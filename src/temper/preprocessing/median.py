"""Median filter (Huang, Yang & Tang, 1979, "A Fast Two-Dimensional Median Filtering Algorithm"): specks are voted away.

    y[i, j] = median of x[i + a, j + b], |a|, |b| <= size // 2    of each channel; mirrored at the border's pixels

An outlier, however far out, moves no median, and an edge stays an edge: it is for noise that hits few pixels hard.
Lines thinner than half the window vanish with the specks.
"""

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor

from temper.facts import Examples
from temper.preprocessing.window import WindowSize, check_window, mirrored
from temper.strategy import Preprocessing, strategy

_AT_ONCE = 2**24  # numbers in the windows of the images that are filtered together: 64 MB


@strategy
class Median(Preprocessing):
    """Each pixel replaced by the median of its window."""

    images: ClassVar[bool] = True

    size: WindowSize

    def fit(self, train: Examples) -> dict[str, Tensor]:
        """Return nothing; ValueError: the inputs are no images, or too small for the window."""
        check_window("median", self.size, train.inputs)
        return {}

    def apply(self, inputs: Tensor, fitted: Mapping[str, Tensor]) -> Tensor:
        """Return filtered images (n, c, h, w)."""
        if torch.compiler.is_exporting():  # for any number of images, and in what ONNX knows: it has no median
            largest = self._windows(inputs).topk(self.size**2 // 2 + 1).values
            return largest[..., -1]
        count = max(1, _AT_ONCE // (inputs[0].numel() * self.size**2))
        return torch.cat([self._windows(chunk).median(-1).values for chunk in torch.split(inputs, count)])

    def _windows(self, images: Tensor) -> Tensor:
        """Return the window of each pixel, (n, c, h, w, size²)."""
        return mirrored(images, self.size).unfold(2, self.size, 1).unfold(3, self.size, 1).flatten(4)
