"""Mixup (Zhang et al., 2018, arXiv:1710.09412, eq. 1): train on points between two examples.

    x = share · x_i + (1 - share) · x_j    share ~ Beta(alpha, alpha), drawn for each example i
    y = share · y_i + (1 - share) · y_j    j its partner, by a permutation of the part of the batch that holds i

alpha = 1 mixes evenly; a small alpha leaves most examples nearly as they were. The share stays on the example itself
as it was drawn, not on the larger of the two. It bites in long runs of large networks: answers between the classes
grow linear, and confidence sinks.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

from torch import Generator, Tensor

from temper.augmentation.partner import blend, draw_ahead, draw_shares, partner_rows
from temper.quantity import Positive
from temper.strategy import Augmentation, strategy


@strategy
class Mixup(Augmentation):
    """Each example blended with another one, targets included."""

    wants: ClassVar[Literal["any", "pixels", "values"]] = "values"
    mixes: ClassVar[bool] = True
    images: ClassVar[bool] = False

    alpha: Positive

    def draw(self, parts: Sequence[int], shape: tuple[int, ...], generator: Generator) -> dict[str, Tensor]:
        """Return each example's ``share`` of itself, (n,) float32, and how far ``ahead`` its partner lies, (n,)."""
        return {"share": draw_shares(self.alpha, sum(parts), generator), "ahead": draw_ahead(parts, generator)}

    def apply(self, inputs: Tensor, targets: Tensor, drawn: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Return blends of inputs (n, ...) and of soft targets (n, k) or (n,), which lie in one part."""
        share, partner = drawn["share"], partner_rows(drawn["ahead"])
        return blend(inputs, partner, share), blend(targets, partner, share)
