"""TrivialAugment, wide (Müller & Hutter, 2021, arXiv:2103.10158, section 3): one operation, any strength.

    image = op(image)                       one of 14 operations alike, each image by its own draw
    magnitude = start + (end - start) · level / 30     level uniform on 0..30; half of the signed ones negative

Nothing to tune, and wider ranges than RandAugment's. It bites where RandAugment does, for a tuned RandAugment's gain.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

import torch
from torch import Generator, Tensor

from temper.augmentation.operations import BINS, NAMES, Range, magnitudes, operate, positions
from temper.strategy import Augmentation, strategy

CHOICES = tuple(name for name in NAMES if name != "invert")
WIDE = {
    **dict.fromkeys(("shear_x", "shear_y"), Range(0, 0.99, True)),
    **dict.fromkeys(("translate_x", "translate_y"), Range(0, 32, True)),
    "rotate": Range(0, 135, True),
    **dict.fromkeys(("brightness", "color", "contrast", "sharpness"), Range(0, 0.99, True)),
    "posterize": Range(8, 2),
    "solarize": Range(1, 0),
}


@strategy
class TrivialAugment(Augmentation):
    """One operation drawn for each image, at a level of its own."""

    wants: ClassVar[Literal["any", "pixels", "values"]] = "pixels"
    chooses: ClassVar[tuple[str, ...]] = ("operation",)

    def draw(self, parts: Sequence[int], shape: tuple[int, ...], generator: Generator) -> dict[str, Tensor]:
        """Return each image's ``operation`` and ``magnitude``, (n, 1)."""
        operation = positions(CHOICES)[torch.randint(len(CHOICES), (sum(parts), 1), generator=generator)]
        level = torch.randint(BINS, operation.shape, generator=generator)
        return {"operation": operation, "magnitude": magnitudes(operation, level, BINS, WIDE, generator)}

    def apply(self, inputs: Tensor, targets: Tensor, drawn: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Return images (n, c, h, w) after their operation, and the targets."""
        return operate(inputs, drawn["operation"], drawn["magnitude"]), targets
