"""Random translation (as in Cubuk et al., 2018, arXiv:1805.09501, table 6): the picture moved within its frame.

    right = round(U(-share, share) · width)     whole pixels, one an image, down alike with the height
    image'[:, y, x] = image[:, y - down, x - right]     black where nothing comes from

What `crop` does, as a share of the side instead of pixels: the one to take where images are of other sizes than
those that a padding was tuned for.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

import torch
from torch import Generator, Tensor

from temper.augmentation.affine import matrix, resample
from temper.quantity import Fraction
from temper.strategy import Augmentation, strategy


@strategy
class Translation(Augmentation):
    """Each image moved by whole pixels of its own."""

    wants: ClassVar[Literal["any", "pixels", "values"]] = "any"

    share: Fraction

    def draw(self, parts: Sequence[int], shape: tuple[int, ...], generator: Generator) -> dict[str, Tensor]:
        """Return by how many pixels each image moves, ``right`` and ``down``, (n,)."""
        _, height, width = shape
        right, down = (2 * torch.rand(2, sum(parts), generator=generator) - 1) * self.share
        return {"right": (right * width).round(), "down": (down * height).round()}

    def apply(self, inputs: Tensor, targets: Tensor, drawn: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Return moved images (n, c, h, w) and the targets."""
        right, down = drawn["right"], drawn["down"]
        straight = torch.zeros_like(right)
        return resample(inputs, matrix(straight, torch.ones_like(right), right, down)), targets
