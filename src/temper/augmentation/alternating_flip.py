"""Alternating flip (Jordan, 2024, arXiv:2404.00498, section 3.6): every image is seen from both sides in turn.

    flipped = lot < 1/2              in epoch 0: each example's own coin, thrown once for the whole run
    flipped = not flipped            in every epoch after it

Of two epochs a random flip shows an image twice from the same side half of the time; this one never does. It bites in
short runs on natural images, where every look counts; in long ones it is `flip`.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

from torch import Generator, Tensor

from temper.augmentation.mirror import mirror
from temper.strategy import Augmentation, strategy


@strategy
class AlternatingFlip(Augmentation):
    """Left and right exchanged in every second epoch, for half of the images in the even ones."""

    wants: ClassVar[Literal["any", "pixels", "values"]] = "any"
    recalls: ClassVar[bool] = True

    def draw(self, parts: Sequence[int], shape: tuple[int, ...], generator: Generator) -> dict[str, Tensor]:
        """Draw nothing anew."""
        return {}

    def recall(self, lots: Tensor, epoch: int) -> dict[str, Tensor]:
        """Return whether each example is ``flipped`` in ``epoch``, (n,) bool, by its own lot (n,)."""
        return {"flipped": (lots < 0.5) ^ (epoch % 2 == 1)}

    def apply(self, inputs: Tensor, targets: Tensor, drawn: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Return images (n, c, h, w), those mirrored whose turn it is, and the targets."""
        return mirror(inputs, drawn["flipped"]), targets
