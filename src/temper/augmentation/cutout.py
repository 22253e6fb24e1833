"""Cutout (DeVries & Taylor, 2017, arXiv:1708.04552, section 3): a square of the image is hidden.

    image[:, y - size//2 : y - size//2 + size, x - size//2 : x - size//2 + size] = 0    y, x uniform over the pixels

The centre may lie at a border, so part of the square falls outside: the paper found that to matter. Zero is the mean
colour once inputs are normalised, hence after preprocessing. It bites when a network hangs on one telling detail.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

import torch
from torch import Generator, Tensor

from temper.augmentation.box import inside
from temper.quantity import Count
from temper.strategy import Augmentation, strategy


@strategy
class Cutout(Augmentation):
    """A square of zeros, anywhere in the image."""

    wants: ClassVar[Literal["any", "pixels", "values"]] = "values"

    size: Count

    def draw(self, parts: Sequence[int], shape: tuple[int, ...], generator: Generator) -> dict[str, Tensor]:
        """Return the centre pixel of each image's square, ``y`` and ``x``, (n,)."""
        _, height, width = shape
        return {
            "y": torch.randint(height, (sum(parts),), generator=generator),
            "x": torch.randint(width, (sum(parts),), generator=generator),
        }

    def apply(self, inputs: Tensor, targets: Tensor, drawn: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Return images (n, c, h, w) with their squares at zero, and the targets."""
        top, left = drawn["y"] - self.size // 2, drawn["x"] - self.size // 2
        side = torch.full_like(top, self.size)
        hidden = inside(top, left, side, side, inputs.shape)
        return inputs.clone().masked_fill_(hidden, 0), targets  # a clone keeps channels-last, masked_fill does not
