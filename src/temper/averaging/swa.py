"""Stochastic weight averaging (Izmailov et al., 2018, arXiv:1803.05407): the mean of the weights of the last epochs.

a ← (n a + θ)/(n + 1)     at the end of every ``every``-th epoch from ``start`` on; n weights were taken in before

The mean is what is validated, tested and kept, with batch-norm statistics computed anew for it. It bites with a rate
that stays high while it averages (scheduler=constant, cosine_restarts): the weights then walk around a wide basin and
their mean lies in its middle. Under a schedule that falls to nothing they stand still, and their mean adds nothing.
"""

from temper.averaging.weights import LateAveraging, WeightAverager
from temper.quantity import Clock, Count, span_steps
from temper.strategy import strategy
from temper.terms import Averager


@strategy
class SWA(LateAveraging):
    """All weights at the ends of epochs alike."""

    every: Count

    def check(self, clock: Clock) -> None:
        """Refuse a mean of the last weights alone."""
        super().check(clock)
        if len(self._ends(clock)) == 1:
            raise ValueError(
                f"averaging=swa with averaging.start={self.start} and averaging.every={self.every} takes in the last of"
                f" {clock.epochs} epochs alone, whose weights are no mean: begin earlier, such as averaging.start=0, or"
                " take in more by a smaller every or more epochs"
            )

    def averager(self, clock: Clock) -> Averager:
        """Return the mean of a run of ``clock``."""
        return _Mean(span_steps(self.start, clock), self._ends(clock))

    def _ends(self, clock: Clock) -> frozenset[int]:
        """Return the steps at which epochs end whose weights are taken in."""
        ends = [end for end in clock.epoch_starts[1:] if end >= span_steps(self.start, clock)]
        return frozenset(ends[::-1][:: self.every])  # counted from the end, so that the last epoch is in


class _Mean(WeightAverager):
    def __init__(self, start: int, ends: frozenset[int]) -> None:
        super().__init__(start)
        self.ends = ends

    def due(self, step: int) -> bool:
        return step in self.ends

    def share(self, taken: int) -> float:
        return 1 / (taken + 1)
