"""Exponential moving average of the weights (Polyak and Juditsky, 1992; Tarvainen and Valpola, 2017, arXiv:1703.01780).

a ← dₜ a + (1 - dₜ) θ               after each step from ``start`` on; a begins as a copy of θ
dₜ = β                               ``decay``: about 1/(1 - β) steps are remembered
dₜ = min(β, (1 + t)/(10 + t))        with ``ramp``: t weights were taken in; the early, bad ones are soon forgotten

The average is what is validated, tested and kept, with batch-norm statistics computed anew for it. It bites where the
rate is still high, as the average of a noisy path lies nearer to its centre than any point of it; at the end of a
schedule that falls to nothing there is little left to average out.
"""

from temper.averaging.weights import LateAveraging, WeightAverager
from temper.quantity import Clock, Forgetting, Switch, span_steps
from temper.strategy import strategy
from temper.terms import Averager


@strategy
class EMA(LateAveraging):
    """The recent past, weighted the less the longer ago."""

    decay: Forgetting
    ramp: Switch

    def averager(self, clock: Clock) -> Averager:
        """Return the moving average of a run of ``clock``."""
        return _Moving(span_steps(self.start, clock), self.decay, self.ramp)


class _Moving(WeightAverager):
    def __init__(self, start: int, decay: float, ramp: bool) -> None:
        super().__init__(start)
        self.decay, self.ramp = decay, ramp

    def due(self, step: int) -> bool:
        return True

    def share(self, taken: int) -> float:
        return 1 - (min(self.decay, (1 + taken) / (10 + taken)) if self.ramp else self.decay)
