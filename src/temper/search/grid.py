"""Grid search: every combination of the values, as a sweep without a search tries them.

trials = V₁ × V₂ × ... × Vₖ     Vᵢ are the values of knob i

A grid tries each knob at as few values as it lists, however many trials it takes (Bergstra and Bengio, 2012, JMLR 13,
"Random Search for Hyper-Parameter Optimization"): it bites for one or two knobs, or where a whole table is wanted.
"""

from collections.abc import Sequence

from temper.search.space import Setting, Space
from temper.strategy import Search, Trial, strategy


@strategy
class Grid(Search):
    """Try every combination."""

    def proposed(self, space: Space, trials: Sequence[Trial], jobs: int) -> list[Setting]:
        """Return all combinations, once."""
        if space.size is None:
            raise ValueError(
                "search=grid: an interval has no end of values: list some with choice(), or choose search=random"
            )
        taken = [trial.drawn for trial in trials]
        return [setting for setting in space.grid() if setting not in taken]
