"""Random rotation (as in Simard, Steinkraus & Platt, 2003, section 2): the picture turned about its centre.

    angle ~ U(-degrees, degrees)                                   counter-clockwise, one an image
    image'[:, y, x] = image[:, cos·y + sin·x, cos·x - sin·y]       x, y from the centre, y down; bilinear, black outside

It bites where the world has no upright (cells, satellites) or a slightly crooked one (digits, leaves); beyond that, a
6 becomes a 9.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field
from torch import Generator, Tensor

from temper.augmentation.affine import matrix, resample
from temper.strategy import Augmentation, strategy


@strategy
class Rotation(Augmentation):
    """Each image turned by an angle of its own."""

    wants: ClassVar[Literal["any", "pixels", "values"]] = "any"

    degrees: Annotated[float, Field(gt=0, le=180, strict=True)]

    def draw(self, parts: Sequence[int], shape: tuple[int, ...], generator: Generator) -> dict[str, Tensor]:
        """Return each image's ``angle`` in degrees, (n,)."""
        return {"angle": (2 * torch.rand(sum(parts), generator=generator) - 1) * self.degrees}

    def apply(self, inputs: Tensor, targets: Tensor, drawn: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Return turned images (n, c, h, w) and the targets."""
        angle = drawn["angle"]
        still = torch.zeros_like(angle)
        return resample(inputs, matrix(-angle, torch.ones_like(angle), still, still)), targets
