"""Colour jitter (Howard, 2013, arXiv:1312.5402, section 2.2; the parts are torchvision's): other light, other film.

    brightness, contrast, saturation: factor ~ U(max(0, 1 - knob), 1 + knob)     formulas in temper.augmentation.color
    hue: turn ~ U(-knob, knob)                                                   of the colour circle

Each image has its own four draws, in an order of its own. It bites where light differs between training and use; it
harms where colour is the class.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field
from torch import Generator, Tensor

from temper.augmentation import color
from temper.augmentation.operations import rows_of_each
from temper.quantity import NonNegative
from temper.strategy import Augmentation, strategy


@strategy
class ColorJitter(Augmentation):
    """Brightness, contrast, saturation and hue of each image varied."""

    wants: ClassVar[Literal["any", "pixels", "values"]] = "pixels"
    chooses: ClassVar[tuple[str, ...]] = ("order",)

    brightness: NonNegative
    contrast: NonNegative
    saturation: NonNegative
    hue: Annotated[float, Field(ge=0, le=0.5, strict=True)]

    def draw(self, parts: Sequence[int], shape: tuple[int, ...], generator: Generator) -> dict[str, Tensor]:
        """Return each image's four factors and the ``order`` (n, 4) in which they act."""
        count = sum(parts)
        drawn = {"order": torch.rand(count, 4, generator=generator).argsort(1)}
        for name in ("brightness", "contrast", "saturation"):
            knob = getattr(self, name)
            drawn[name] = torch.empty(count).uniform_(max(0.0, 1 - knob), 1 + knob, generator=generator)
        return drawn | {"hue": torch.empty(count).uniform_(-self.hue, self.hue, generator=generator)}

    def apply(self, inputs: Tensor, targets: Tensor, drawn: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Return images (n, c, h, w) in other colours and the targets."""
        changes = {"brightness": color.brightness, "contrast": color.contrast, "saturation": color.saturation}
        if self.hue:  # even a turn by nothing would round
            changes["hue"] = color.hue
        images = inputs.clone()
        for turn in drawn["order"].unbind(1):
            for rows, (name, change) in zip(rows_of_each(turn, 4, images.device), changes.items(), strict=False):
                if len(rows):
                    images.index_copy_(0, rows, change(images[rows], drawn[name][rows]))
        return images, targets
