"""Random erasing (Zhong et al., 2017, arXiv:1708.04896, algorithm 1): a rectangle of the image is overwritten.

    area ~ U(smallest, largest)                      of the image's
    aspect = exp(U(log slimmest, -log slimmest))     height over width; the paper draws it uniformly, so that most
                                                     boxes are tall: torchvision's way treats both sides alike
    height = √(area · aspect), width = √(area / aspect), rounded, drawn anew (10 times at most) until both fit inside
    image[:, top : top + height, left : left + width] = fill     with probability p, at any place alike

Cutout with a box of any shape, wholly inside. It bites where things are hidden by others, and against overfitting.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar, Literal, Self

import torch
from pydantic import Field, model_validator
from torch import Generator, Tensor

from temper.augmentation.box import inside
from temper.quantity import Fraction
from temper.strategy import Augmentation, strategy

_TRIES = 10


@strategy
class RandomErasing(Augmentation):
    """A rectangle of zeros or noise, for some of the images."""

    wants: ClassVar[Literal["any", "pixels", "values"]] = "values"

    p: Fraction
    smallest: Fraction
    largest: Fraction
    slimmest: Annotated[float, Field(gt=0, le=1, strict=True)]
    fill: Literal["zero", "noise"]

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.smallest > self.largest:
            raise ValueError(f"smallest={self.smallest:g} is above largest={self.largest:g}: exchange them")
        return self

    def draw(self, parts: Sequence[int], shape: tuple[int, ...], generator: Generator) -> dict[str, Tensor]:
        """Return each image's box, ``top``, ``left``, ``high``, ``wide``, (n,), and the ``noise`` if wanted."""
        count, (_, height, width) = sum(parts), shape
        chance, area, aspect = torch.rand(3, count, _TRIES, generator=generator, dtype=torch.float64)
        area = (self.smallest + (self.largest - self.smallest) * area) * height * width
        aspect = torch.exp((1 - 2 * aspect) * math.log(self.slimmest))
        high, wide = (area * aspect).sqrt().round().long(), (area / aspect).sqrt().round().long()
        fits = (high < height) & (wide < width)
        first = fits.int().argmax(1, keepdim=True)
        erased = (chance[:, 0] < self.p) & fits.any(1)
        high, wide = (side.gather(1, first).squeeze(1) * erased for side in (high, wide))
        down, along = torch.rand(2, count, generator=generator, dtype=torch.float64)
        top, left = (down * (height - high + 1)).long(), (along * (width - wide + 1)).long()
        drawn = {"top": top, "left": left, "high": high, "wide": wide}
        return drawn | ({"noise": torch.randn(count, *shape, generator=generator)} if self.fill == "noise" else {})

    def apply(self, inputs: Tensor, targets: Tensor, drawn: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Return images (n, c, h, w) with their boxes overwritten, and the targets."""
        box = inside(drawn["top"], drawn["left"], drawn["high"], drawn["wide"], inputs.shape)
        if self.fill == "noise":
            return torch.where(box, drawn["noise"].to(inputs.dtype), inputs), targets
        return inputs.clone().masked_fill_(box, 0), targets
