"""Gaussian smoothing (Marr & Hildreth, 1980, "Theory of Edge Detection"): each pixel is averaged with its neighbours.

    y[i, j] = Σ_a Σ_b g_a g_b x[i + a, j + b]    |a|, |b| <= size // 2; mirrored at the border's pixels
    g_a = exp(-a² / (2 sigma²)) / Σ_b exp(-b² / (2 sigma²))

Independent noise of deviation s falls to s · Σ_a g_a², at sigma=1 to 0.29 s, and detail finer than sigma is lost with
it: worth it only where the noise is louder than the detail.
"""

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F

from temper.facts import Examples
from temper.preprocessing.window import WindowSize, check_window, mirrored
from temper.quantity import Positive
from temper.strategy import Preprocessing, strategy


@strategy
class Gaussian(Preprocessing):
    """Each pixel replaced by the mean of its window, weighted by nearness."""

    images: ClassVar[bool] = True

    size: WindowSize
    sigma: Positive

    def fit(self, train: Examples) -> dict[str, Tensor]:
        """Return nothing; ValueError: the inputs are no images, or too small for the window."""
        check_window("gaussian", self.size, train.inputs)
        return {}

    def apply(self, inputs: Tensor, fitted: Mapping[str, Tensor]) -> Tensor:
        """Return smoothed images (n, c, h, w)."""
        place = torch.arange(self.size, dtype=inputs.dtype, device=inputs.device) - self.size // 2
        weight = torch.softmax(-((place / self.sigma) ** 2) / 2, 0)
        # One direction after the other, every channel as an image of its own.
        single = mirrored(inputs, self.size).flatten(0, 1).unsqueeze(1)
        single = F.conv2d(F.conv2d(single, weight.view(1, 1, -1, 1)), weight.view(1, 1, 1, -1))
        return single.reshape(inputs.shape)
