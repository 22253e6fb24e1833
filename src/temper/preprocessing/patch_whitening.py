"""Patch whitening: each pixel becomes the responses of filters that whiten its window (Coates & Ng, 2012).

    y = W (p - μ)       at each pixel, p its window of size x size over all channels, zeros beyond the border
    y = [y, -y]         with ``negatives``, for networks that activate it at once and would lose what lies below 0
    W, μ                from the patches of the training images (`temper.whitening`)

Neighbouring pixels say nearly the same; after it no channel repeats another, and faint detail counts as much as broad
light. The network sees c·size² channels, or twice as many. A window of an even size has no middle: it stays within the
image, which loses size - 1 pixels. It bites in short trainings, which have no time to learn such filters (Page,
2018; Jordan, 2024, arXiv:2404.00498, who fix them as a first layer); ε keeps noise from being blown up.
"""

from collections.abc import Mapping
from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from temper.facts import Examples
from temper.preprocessing.window import check_window
from temper.quantity import Positive, Switch
from temper.strategy import Preprocessing, strategy
from temper.whitening import whitening


@strategy
class PatchWhitening(Preprocessing):
    """Each pixel replaced by the whitened window about it."""

    images: ClassVar[bool] = True

    size: Annotated[int, Field(ge=2, strict=True)]
    eps: Positive
    negatives: Switch

    def fit(self, train: Examples) -> dict[str, Tensor]:
        """Return ``filters`` (k, c, size, size) and ``offsets`` (k,), k channels, of uint8 images or floats.

        Raises:
            ValueError: the inputs are no images, or too small for the window.
        """
        check_window("patch_whitening", self.size, train.inputs, mirrors=False)
        filters, offsets = whitening(train.inputs, self.size, self.eps)
        if self.negatives:
            filters, offsets = torch.cat([filters, -filters]), torch.cat([offsets, -offsets])
        return {"filters": filters, "offsets": offsets}

    def apply(self, inputs: Tensor, fitted: Mapping[str, Tensor]) -> Tensor:
        """Return the responses (n, k, h, w) at each pixel of images (n, c, h, w); (n, k, h - size + 1, ...) if even."""
        filters, offsets = fitted["filters"].to(inputs.dtype), fitted["offsets"].to(inputs.dtype)
        return F.conv2d(inputs, filters, -offsets, padding=self.size // 2 if self.size % 2 else 0)
