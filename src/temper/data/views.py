"""Test-time augmentation (as in Jordan, 2024, arXiv:2404.00498): an image is answered by a mean over views of it.

    f_m(x)  = (f(x) + f(x')) / 2                        mirror: x as it is and x', its left and right exchanged
    f_ms(x) = f_m(x) / 2 + (f_m(x+) + f_m(x-)) / 4      mirror_and_shift: x+ and x- are x moved down and right, and up
                                                        and left, by one pixel; the border is reflected
    f is the network's output: a logit, or a value

Views are made of the pixels as they are stored, before preprocessing, and nothing is trained by them. It bites where
errors hang on where a thing lies and which way it faces, so most on small networks trained for a short while; not where
the mirror image is another class, as of digits and letters. An answer costs as many forward passes as it has views, 2
or 6.
"""

from typing import Literal, NamedTuple, get_args

import torch
from torch import Tensor

Level = Literal["mirror", "mirror_and_shift"]
LEVELS: tuple[Level, ...] = get_args(Level)


class View(NamedTuple):
    """A way to look at an image.

    Attributes:
        weight: of what is answered to it, in the mean.
        shift: pixels that the image is moved, down and to the right; 0, 1 or -1.
        mirrored: whether left and right are exchanged, after the shift.
    """

    weight: float
    shift: int
    mirrored: bool

    @property
    def moved(self) -> bool:
        """Return whether it shows anything but the image as it is."""
        return self.shift != 0 or self.mirrored

    def of(self, images: Tensor) -> Tensor:
        """Return images (n, c, h, w), of any type, as they look in this view."""
        if self.shift:
            height, width = images.shape[-2:]
            images = images.index_select(-2, _moved(height, self.shift, images.device))
            images = images.index_select(-1, _moved(width, self.shift, images.device))
        return images.flip(-1) if self.mirrored else images


AS_IT_IS = View(1.0, 0, False)


def views(level: Level | None) -> tuple[View, ...]:
    """Return the views of a level of test-time augmentation, the image as it is first; their weights add up to 1."""
    if level is None:
        return (AS_IT_IS,)
    if level == "mirror":
        return tuple(View(0.5, 0, mirrored) for mirrored in (False, True))
    weights = {0: 0.25, 1: 0.125, -1: 0.125}  # by the shift
    return tuple(View(weight, shift, mirrored) for shift, weight in weights.items() for mirrored in (False, True))


def _moved(size: int, shift: int, device: torch.device) -> Tensor:
    """Return which of ``size`` pixels in a line comes to lie where, (size,), after a shift by one."""
    before = (torch.arange(size, device=device) - 1).abs().clamp(max=size - 1)  # a line of one has nothing to reflect
    return before if shift > 0 else (size - 1) - before.flip(0)
