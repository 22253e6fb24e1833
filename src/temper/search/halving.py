"""Successive halving: many trials are trained a little, and the better ones on (Jamieson, Talwalkar, arXiv:1502.07943).

From 2016; the rungs are those of Li et al., 2018, arXiv:1810.05934, algorithm 1:

rᵢ = ⌊R / η^(k-i)⌋     epochs of rung i, up to those of a whole run R; η is ``factor``, r₀ >= ``first``
nᵢ = ⌊n / ηⁱ⌋          trials of rung i: of n random settings, those with the best validation score so far

Each rung costs about as much as the first, so that the budget of a few whole runs looks at n settings. A trial is
trained under the schedule of all R epochs and left off at a rung; what is promoted goes on, to the bit, where it was
left. It bites where a bad setting shows early; a rate that falls only late, or strong regularisation, which starts
slowly and ends well, may be cut off: raise ``first``.
"""

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from temper.quantity import Count, NonNegativeCount
from temper.search.draws import more
from temper.search.space import Setting, Space
from temper.strategy import Search, Trial, strategy


@strategy
class Halving(Search):
    """Train all a little, and the better ones on."""

    trials: Count
    seed: NonNegativeCount
    first: Count
    factor: Annotated[int, Field(ge=2, strict=True)]

    def rungs(self, epochs: int) -> tuple[int, ...]:
        """Return the epochs of each rung."""
        found = [epochs]
        while found[0] // self.factor >= self.first:
            found.insert(0, found[0] // self.factor)
        if len(found) == 1:
            raise ValueError(
                f"search.first={self.first}: no rung lies before the last of epochs={epochs}: lower search.first to"
                f" {epochs // self.factor} or less, or raise epochs"
                if epochs >= self.factor
                else f"search.factor={self.factor}: epochs={epochs} cannot be cut into rungs: raise epochs"
            )
        least = self.factor ** (len(found) - 1)
        if self.trials < least:
            raise ValueError(
                f"search.trials={self.trials}: none would be left for the last of the rungs {found}: raise"
                f" search.trials to {least} or more, or search.first"
            )
        return tuple(found)

    def sizes(self, rungs: int) -> tuple[int, ...]:
        """Return how many trials reach each of so many rungs."""
        return tuple(self.trials // self.factor**rung for rung in range(rungs))

    def proposed(self, space: Space, trials: Sequence[Trial], jobs: int) -> list[Setting]:
        """Return all, at the start."""
        return more(space, trials, self.seed, self.trials)

    def promoted(self, trials: Sequence[Trial], rungs: int) -> list[int]:
        """Return the best of the highest rung that was reached; where losses are equal, the earlier ones."""
        rung = max((trial.rung for trial in trials), default=0)
        if rung + 1 >= rungs:
            return []
        able = [number for number, trial in enumerate(trials) if trial.rung == rung and trial.losses[rung] is not None]
        return sorted(able, key=lambda number: trials[number].loss)[: self.sizes(rungs)[rung + 1]]
