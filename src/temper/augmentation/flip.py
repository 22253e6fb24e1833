"""Random horizontal flip (as in Krizhevsky, Sutskever & Hinton, 2012, section 4.1): a mirror twin of every image.

    image = image[:, :, ::-1] with probability p    each image by its own coin

It bites on natural images, whose class has no left and right; it spoils digits, letters and arrows.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

import torch
from torch import Generator, Tensor

from temper.augmentation.mirror import mirror
from temper.quantity import Fraction
from temper.strategy import Augmentation, strategy


@strategy
class Flip(Augmentation):
    """Left and right exchanged, for some of the images."""

    wants: ClassVar[Literal["any", "pixels", "values"]] = "any"

    p: Fraction

    def draw(self, parts: Sequence[int], shape: tuple[int, ...], generator: Generator) -> dict[str, Tensor]:
        """Return whether each image is ``flipped``, (n,) bool."""
        return {"flipped": torch.rand(sum(parts), generator=generator) < self.p}

    def apply(self, inputs: Tensor, targets: Tensor, drawn: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Return images (n, c, h, w), the drawn ones mirrored, and the targets."""
        return mirror(inputs, drawn["flipped"]), targets
