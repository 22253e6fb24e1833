"""Random scaling (as in Simonyan & Zisserman, 2015, arXiv:1409.1556, section 3.1): the picture made larger or smaller.

    scale ~ U(smallest, largest)                         one an image, about its centre
    image'[:, y, x] = image[:, y / scale, x / scale]     x, y from the centre; bilinear, black outside

The same thing is near or far: it bites where photographs differ in distance, less where everything fills the frame.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal, Self

import torch
from pydantic import model_validator
from torch import Generator, Tensor

from temper.augmentation.affine import matrix, resample
from temper.quantity import Positive
from temper.strategy import Augmentation, strategy


@strategy
class Scaling(Augmentation):
    """Each image at a size of its own, in the same frame."""

    wants: ClassVar[Literal["any", "pixels", "values"]] = "any"

    smallest: Positive
    largest: Positive

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.smallest > self.largest:
            raise ValueError(f"smallest={self.smallest:g} is above largest={self.largest:g}: exchange them")
        return self

    def draw(self, parts: Sequence[int], shape: tuple[int, ...], generator: Generator) -> dict[str, Tensor]:
        """Return each image's ``scale``, (n,)."""
        return {"scale": torch.empty(sum(parts)).uniform_(self.smallest, self.largest, generator=generator)}

    def apply(self, inputs: Tensor, targets: Tensor, drawn: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Return scaled images (n, c, h, w) and the targets."""
        scale = drawn["scale"]
        still = torch.zeros_like(scale)
        return resample(inputs, matrix(still, 1 / scale, still, still)), targets
