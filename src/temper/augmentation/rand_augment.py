"""RandAugment (Cubuk et al., 2019, arXiv:1909.13719, section 3): a few operations at one strength for all.

    image = op_count(... op_1(image))     each of 14 operations alike, each image by its own draw
    magnitude = start + (end - start) · level / 30     of each operation's own range; half of the signed ones negative

Two numbers instead of AutoAugment's learned policy; ranges and operations stand in temper.augmentation.operations.
It bites where training goes on for long enough to overfit otherwise; a higher level suits larger networks and sets.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field
from torch import Generator, Tensor

from temper.augmentation.operations import BINS, NAMES, magnitudes, moderate_space, operate, positions
from temper.quantity import Count
from temper.strategy import Augmentation, strategy

CHOICES = tuple(name for name in NAMES if name != "invert")


@strategy
class RandAugment(Augmentation):
    """Some operations drawn for each image, all at one level."""

    wants: ClassVar[Literal["any", "pixels", "values"]] = "pixels"
    chooses: ClassVar[tuple[str, ...]] = ("operation",)

    count: Count
    level: Annotated[int, Field(ge=0, lt=BINS, strict=True)]

    def draw(self, parts: Sequence[int], shape: tuple[int, ...], generator: Generator) -> dict[str, Tensor]:
        """Return each image's ``operation`` and ``magnitude``, (n, count), in the order in which they act."""
        chosen = torch.randint(len(CHOICES), (sum(parts), self.count), generator=generator)
        operation = positions(CHOICES)[chosen]
        level = torch.full_like(operation, self.level)
        space = moderate_space(*shape[1:])
        return {"operation": operation, "magnitude": magnitudes(operation, level, BINS, space, generator)}

    def apply(self, inputs: Tensor, targets: Tensor, drawn: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Return images (n, c, h, w) after their operations, and the targets."""
        return operate(inputs, drawn["operation"], drawn["magnitude"]), targets
