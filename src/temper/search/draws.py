"""What the searches share that draw at random."""

from collections.abc import Sequence

from temper.search.space import Setting, Space
from temper.strategy import Trial


def more(space: Space, trials: Sequence[Trial], seed: int, count: int) -> list[Setting]:
    """Return the random settings that are missing to ``count`` trials.

    Raises:
        ValueError: there are not so many different ones.
    """
    check(space, count)
    taken = [trial.drawn for trial in trials]
    for number in range(len(trials), count):
        taken.append(space.drawn(seed, number, taken))
    return taken[len(trials) :]


def check(space: Space, count: int) -> None:
    """Refuse more trials than there are settings.

    Raises:
        ValueError: says so.
    """
    if space.size is not None and count > space.size:
        raise ValueError(
            f"search.trials={count}: there are {space.size} settings to choose from: lower search.trials, or choose"
            " search=grid"
        )
