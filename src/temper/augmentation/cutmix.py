"""CutMix (Yun et al., 2019, arXiv:1905.04899, section 3.1): a box of each image comes from another one.

    share ~ Beta(alpha, alpha)                                    of the image itself, drawn for each image i
    half = ⌊√(1 - share) / 2 · side⌋                              half a box's width and height, centre at any pixel
    x = outside the box x_i, inside x_j                           j its partner, by a permutation of the part of i
    y = share' · y_i + (1 - share') · y_j                         share' = 1 - the box's area within the image

Boxes at a border are cut off there, hence share'. It bites like cutout, but no pixel is lost: long runs of large
networks gain most.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

import torch
from torch import Generator, Tensor

from temper.augmentation.box import inside
from temper.augmentation.partner import blend, draw_ahead, draw_shares, partner_rows
from temper.quantity import Fraction, Positive
from temper.strategy import Augmentation, strategy


@strategy
class CutMix(Augmentation):
    """A box of another image in each image, targets in proportion."""

    wants: ClassVar[Literal["any", "pixels", "values"]] = "any"
    mixes: ClassVar[bool] = True

    alpha: Positive
    p: Fraction

    def draw(self, parts: Sequence[int], shape: tuple[int, ...], generator: Generator) -> dict[str, Tensor]:
        """Return each image's box, ``top``, ``left``, ``high``, ``wide``, (n,), and its partner, rows ``ahead``."""
        count, (_, height, width) = sum(parts), shape
        reach = (1 - draw_shares(self.alpha, count, generator)).sqrt() / 2
        reach *= torch.rand(count, generator=generator) < self.p
        drawn = {"ahead": draw_ahead(parts, generator)}
        for start, size, side in (("top", "high", height), ("left", "wide", width)):
            centre, half = torch.randint(side, (count,), generator=generator), (reach * side).long()
            drawn[start] = (centre - half).clamp(min=0)
            drawn[size] = (centre + half).clamp(max=side) - drawn[start]
        return drawn

    def apply(self, inputs: Tensor, targets: Tensor, drawn: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Return images (n, c, h, w) with their partners' boxes, and soft targets (n, k) or (n,), of one part."""
        partner, high, wide = partner_rows(drawn["ahead"]), drawn["high"], drawn["wide"]
        box = inside(drawn["top"], drawn["left"], high, wide, inputs.shape)
        share = 1 - high * wide / (inputs.shape[2] * inputs.shape[3])
        return torch.where(box, inputs[partner], inputs), blend(targets, partner, share)
