"""Progressive resizing: small images first, whole ones at the end (Tan and Le, 2021, arXiv:2104.00298, section 4).

sₑ = s₀ + (s - s₀) · min(1, e/(t E))     pixels of the shorter side in epoch e of E, counted from 0
s₀ = ``first``, s the images' own, t = ``until``; below s, sₑ is rounded down to a multiple of ``multiple``, but never
below s₀

A convolution's work goes with the square of the side, and early steps learn what is to be seen in small images too.
Evaluation always sees whole images, as the last epochs should. It bites where convolutions are what a step costs.
"""

from temper.quantity import Count, OpenFraction
from temper.strategy import Resolution, strategy


@strategy
class Linear(Resolution):
    """Grow evenly, and stay whole from a share of the run on."""

    first: Count
    until: OpenFraction
    multiple: Count

    def side(self, full: int, epoch: int, epochs: int) -> int:
        """Return the side in ``epoch``.

        Raises:
            ValueError: images would be enlarged.
        """
        if self.first > full:
            raise ValueError(f"resolution.first={self.first} would enlarge images of {full} pixels: at most {full}")
        grown = self.first + (full - self.first) * epoch / (self.until * epochs)
        return full if grown >= full else max(self.first, int(grown) // self.multiple * self.multiple)
