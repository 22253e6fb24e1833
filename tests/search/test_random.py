"""Draws are functions of seed and number: more trials go on where fewer ended, and a killed search as if it had not."""

from pathlib import Path

import pytest
from tests.search.conftest import Killed, carried, settings, space_of

from temper.search.random import Random
from temper.search.space import Space

SPACE = space_of("a=interval(0,1)", "b=u,v,w")


def score(setting: dict[str, str], rung: int) -> float:
    return float(setting["a"])


def random(trials: int, seed: int = 0) -> Random:
    return Random(trials=trials, seed=seed)


def test_draws_are_those_of_the_space() -> None:
    expected = [SPACE.drawn(7, number, []) for number in range(5)]
    assert random(5, seed=7).proposed(SPACE, [], 1) == expected
    assert random(5, seed=8).proposed(SPACE, [], 1) != expected


def test_more_trials_go_on(tmp_path: Path) -> None:
    few = settings(carried(tmp_path / "a", random(3), SPACE, score))
    more = settings(carried(tmp_path / "a", random(6), SPACE, score))
    assert more[:3] == few
    assert more == settings(carried(tmp_path / "b", random(6), SPACE, score))


def test_killed_anywhere(tmp_path: Path) -> None:
    whole = carried(tmp_path / "whole", random(4), SPACE, score)
    for trials in range(4):
        with pytest.raises(Killed):
            carried(tmp_path / str(trials), random(4), SPACE, score, trials=trials)
        assert carried(tmp_path / str(trials), random(4), SPACE, score).trials == whole.trials
    assert whole.best(1) == max(range(4), key=lambda number: float(settings(whole)[number]["a"]))


def test_finite_space_is_drawn_whole() -> None:
    space = Space({"b": SPACE.dimensions["b"]})
    assert sorted(each["b"] for each in random(3).proposed(space, [], 1)) == ["u", "v", "w"]
    with pytest.raises(ValueError, match=r"search\.trials=4: there are 3 settings.*search=grid"):
        random(4).proposed(space, [], 1)


def test_refuses() -> None:
    with pytest.raises(ValueError, match="trials"):
        random(0)
    with pytest.raises(ValueError, match="seed"):
        random(1, seed=-1)
