"""Digits (Alpaydin & Kaynak, 1998) as images: what asks for images on real ones, in seconds and without a download.

    x = 8x8 pixels of grey, round(255 · ink / 16)    the examples of `temper.data.digits`, in the same parts
    y = the digit, 0 to 9

With few of them to learn from (``validation`` and ``test`` large) what augmentation is worth can be seen; what holds
for photos has to be tried on photos.
"""

from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor

from temper.data.digits import Digits
from temper.data.reading import read_image
from temper.strategy import strategy

_SIDE, _MOST_INK = 8, 16


@strategy
class DigitImages(Digits):
    """1797 grey images of 8x8 pixels."""

    images: ClassVar[bool] = True
    picture: ClassVar[tuple[int, int] | None] = None

    def seen(self, ink: Tensor) -> Tensor:
        """Return counts of ink (n, 64) as images (n, 1, 8, 8) uint8."""
        return (ink * (255 / _MOST_INK)).round().to(torch.uint8).view(-1, 1, _SIDE, _SIDE)

    def read(self, path: Path) -> Tensor:
        """Return the image in the user's file, (1, 1, 8, 8) uint8: in grey, light on dark."""
        return read_image(path, _SIDE, _SIDE, grey=True)
