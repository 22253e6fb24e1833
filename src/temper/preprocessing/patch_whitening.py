"""Patch whitening: each pixel becomes the responses of filters that whiten its window (Coates & Ng, 2012).

    y = W (p - μ)       at each pixel, p its window of size x size over all channels, zeros beyond the border
    W, μ                from the patches of the training images (`temper.whitening`)

Neighbouring pixels say nearly the same; after it no channel repeats another, and faint detail counts as much as broad
light. The network sees c·size² channels. It bites in short trainings, which have no time to learn such filters (Page,
2018; Jordan, 2024, arXiv:2404.00498, who fix them as a first layer); ε keeps noise from being blown up.
"""

from collections.abc import Mapping
from typing import ClassVar

from torch import Tensor
from torch.nn import functional as F

from temper.facts import Examples
from temper.preprocessing.window import WindowSize, check_window
from temper.quantity import Positive
from temper.strategy import Preprocessing, strategy
from temper.whitening import whitening


@strategy
class PatchWhitening(Preprocessing):
    """Each pixel replaced by the whitened window about it."""

    images: ClassVar[bool] = True

    size: WindowSize
    eps: Positive

    def fit(self, train: Examples) -> dict[str, Tensor]:
        """Return ``filters`` (c·size², c, size, size) and ``offsets`` (c·size²,), of uint8 images or floats.

        Raises:
            ValueError: the inputs are no images, or too small for the window.
        """
        check_window("patch_whitening", self.size, train.inputs)
        found = whitening(train.inputs, self.size, self.eps)
        return {"filters": found.filters, "offsets": found.offsets}

    def apply(self, inputs: Tensor, fitted: Mapping[str, Tensor]) -> Tensor:
        """Return the responses (n, c·size², h, w) at each pixel of images (n, c, h, w)."""
        filters, offsets = fitted["filters"].to(inputs.dtype), fitted["offsets"].to(inputs.dtype)
        return F.conv2d(inputs, filters, -offsets, padding=self.size // 2)
