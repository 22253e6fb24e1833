"""What tests of searches share: spaces from words, and a search whose trials are a function instead of runs."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from hydra.core.override_parser.overrides_parser import OverridesParser

from temper.command.study import Study
from temper.metric import Better
from temper.search.space import Setting, Space
from temper.strategy import Search

Scored = Callable[[Setting, int], float | None]  # of a setting at a rung


class Killed(Exception):
    """Stands for kill -9."""


def space_of(*words: str) -> Space:
    return Space.read(OverridesParser.create().parse_overrides(list(words)))


def carried(
    folder: Path,
    search: Search,
    space: Space,
    scored: Scored,
    *,
    rungs: int = 1,
    better: Better = "max",
    trials: int | None = None,
    jobs: int = 1,
) -> Study:
    """Carry a search on in ``folder``; after so many ``trials``, when the next one is being run, it is killed."""
    study = Study(folder, {"search": "some"}, better)
    run = 0

    def evaluate(waiting: Sequence[int]) -> Iterator[tuple[int, float | None]]:
        nonlocal run
        for number in waiting:
            if run == trials:
                raise Killed
            run += 1
            trial = study.trials[number]
            yield number, scored(trial.drawn, trial.rung)

    try:
        study.carry_on(search, space, rungs, jobs, evaluate)
    finally:
        study.close()
    return study


def settings(study: Study) -> list[Setting]:
    return [trial.drawn for trial in study.trials]
