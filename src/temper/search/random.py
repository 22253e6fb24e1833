"""Random search: each knob of each trial is drawn by itself (Bergstra and Bengio, 2012, JMLR 13, pages 281 to 305).

xᵢ ~ U{v₁, ..., vₙ}                   one of the values that are listed
xᵢ ~ U[a, b]                          a number of an interval
log xᵢ ~ U[log a, log b]              where it is tagged log

Every trial tries another value of every knob: n trials look at n rates, where a grid over two knobs looks at √n. It
bites where few of many knobs matter and it is not known which; trials know nothing of each other, and all may run at a
time. A draw is a function of the search's seed and the trial's number.
"""

from collections.abc import Sequence

from temper.quantity import Count, NonNegativeCount
from temper.search.draws import more
from temper.search.space import Setting, Space
from temper.strategy import Search, Trial, strategy


@strategy
class Random(Search):
    """Draw each trial by itself."""

    trials: Count
    seed: NonNegativeCount

    def proposed(self, space: Space, trials: Sequence[Trial], jobs: int) -> list[Setting]:
        """Return all that are missing."""
        return more(space, trials, self.seed, self.trials)
