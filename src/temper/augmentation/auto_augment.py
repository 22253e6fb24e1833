"""AutoAugment's policy for CIFAR-10 (Cubuk et al., 2018, arXiv:1805.09501, table 7): operations that a search found.

    (first, second) = one of 25 pairs alike, each image by its own draw
    image = second(first(image))     each with its own probability and level, 0..9, else left out

What a level means is torchvision's (temper.augmentation.operations' moderate ranges): factors of colour, contrast,
brightness and sharpness are 1 plus or minus up to 0.9 by the level, where the paper's go from 0.1 to 1.9 by it, and
shifts are a little longer. It bites on CIFAR-10, which it was learned on, and elsewhere hardly more than RandAugment.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

import torch
from torch import Generator, Tensor

from temper.augmentation.operations import NAMES, magnitudes, moderate_space, operate, positions
from temper.strategy import Augmentation, strategy

_LEVELS = 10
# A line is a pair: operation, probability in tenths, level (0 where the operation has none).
_POLICY = """
invert 1 0          contrast 2 6
rotate 7 2          translate_x 3 9
sharpness 8 1       sharpness 9 3
shear_y 5 8         translate_y 7 9
auto_contrast 5 0   equalize 9 0
shear_y 2 7         posterize 3 7
color 4 3           brightness 6 7
sharpness 3 9       brightness 7 9
equalize 6 0        equalize 5 0
contrast 6 7        sharpness 6 5
color 7 7           translate_x 5 8
equalize 3 0        auto_contrast 4 0
translate_y 4 3     sharpness 2 6
brightness 9 6      color 2 8
solarize 5 2        invert 0 0
equalize 2 0        auto_contrast 6 0
equalize 2 0        equalize 6 0
color 9 9           equalize 6 0
auto_contrast 8 0   solarize 2 8
brightness 1 3      color 7 0
solarize 4 5        auto_contrast 9 0
translate_y 9 9     translate_y 7 9
auto_contrast 9 0   solarize 8 3
equalize 8 0        invert 1 0
translate_y 7 9     auto_contrast 9 0
"""
_WORDS = _POLICY.split()


@strategy
class AutoAugment(Augmentation):
    """A pair of operations drawn for each image from the policy."""

    wants: ClassVar[Literal["any", "pixels", "values"]] = "pixels"
    chooses: ClassVar[tuple[str, ...]] = ("operation",)

    def draw(self, parts: Sequence[int], shape: tuple[int, ...], generator: Generator) -> dict[str, Tensor]:
        """Return each image's ``operation`` and ``magnitude``, (n, 2), in the order in which they act."""
        pair = torch.randint(len(_WORDS) // 6, (sum(parts),), generator=generator)
        operation = positions(_WORDS[::3]).view(-1, 2)[pair]
        probability, level = (
            torch.tensor([int(word) for word in _WORDS[place::3]]).view(-1, 2)[pair] for place in (1, 2)
        )
        left_out = torch.rand(operation.shape, generator=generator) * 10 > probability
        operation = operation.masked_fill(left_out, NAMES.index("identity"))
        space = moderate_space(*shape[1:])
        return {"operation": operation, "magnitude": magnitudes(operation, level, _LEVELS, space, generator)}

    def apply(self, inputs: Tensor, targets: Tensor, drawn: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Return images (n, c, h, w) after their operations, and the targets."""
        return operate(inputs, drawn["operation"], drawn["magnitude"]), targets
