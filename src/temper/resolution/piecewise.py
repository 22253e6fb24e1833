"""Resolution by a list, each part of a run with images of its own size (Howard, 2018, fast.ai's DAWNBench entry).

sₑ = sides[⌊e n/E⌋]     pixels of the shorter side in epoch e of E, counted from 0; n is the length of ``sides``
                        null: as many as the images have

A convolution's work goes with the square of the side. Evaluation always sees whole images, so the last of ``sides``
should be near their size. It bites where convolutions are what a step costs, and kernels like some sizes better.
"""

from typing import Annotated

from pydantic import Field

from temper.quantity import Count
from temper.strategy import Resolution, strategy


@strategy
class Piecewise(Resolution):
    """One size after the other."""

    sides: Annotated[tuple[Count | None, ...], Field(min_length=1)]

    def side(self, full: int, epoch: int, epochs: int) -> int:
        """Return the side in ``epoch``.

        Raises:
            ValueError: images would be enlarged.
        """
        most = max(side or 0 for side in self.sides)
        if most > full:
            raise ValueError(f"resolution.sides: {most} would enlarge images of {full} pixels: at most {full}")
        return self.sides[min(epoch, epochs - 1) * len(self.sides) // epochs] or full
