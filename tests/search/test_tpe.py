"""TPE finds a bowl's bottom sooner than random draws do, with the mean over seeds held to a bound."""

import math
from pathlib import Path
from statistics import fmean

import pytest
from tests.search.conftest import Killed, carried, settings, space_of

from temper.search.random import Random
from temper.search.space import Setting
from temper.search.tpe import TPE
from temper.strategy import Search, Trial

BOWL = space_of("x=tag(log,interval(1e-4,1))", "y=interval(-1,1)")
KINDS = space_of("a=interval(0,1)", "b=u,v,w", "c=range(0,50,5)", "d=tag(log,int(interval(1,64)))", "e=one,one")


def tpe(**knobs: int) -> TPE:
    return TPE(**{"trials": 30, "seed": 0, "startup": 10, "candidates": 24, **knobs})


def bowl(setting: Setting, rung: int) -> float:
    return (math.log10(float(setting["x"])) + 2) ** 2 + 4 * float(setting["y"]) ** 2


def kinds(setting: Setting, rung: int) -> float | None:
    if setting["b"] == "w":
        return None
    return abs(float(setting["a"]) - 0.3) + abs(int(setting["c"]) - 20) / 50 + int(setting["d"]) / 64


def test_finds_the_bottom_better_than_random(tmp_path: Path) -> None:
    def mean(search: type[Search], **knobs: int) -> float:
        found = []
        for seed in range(6):
            folder = tmp_path / search.__name__ / str(seed)
            study = carried(folder, search(**knobs, seed=seed, trials=30), BOWL, bowl, better="min")
            best = study.best(1)
            assert best is not None
            found.append(study.scores(study.trials[best])[0])
        return fmean(found)

    assert mean(TPE, startup=10, candidates=24) < 0.4 * mean(Random)


def test_begins_as_random_does() -> None:
    assert tpe().proposed(BOWL, [], 1) == Random(trials=10, seed=0).proposed(BOWL, [], 1)


def test_killed_anywhere(tmp_path: Path) -> None:
    search = tpe(trials=8, startup=3)
    whole = carried(tmp_path / "whole", search, KINDS, kinds, better="min")
    assert any(trial.losses == [None] for trial in whole.trials)
    assert len({str(each) for each in settings(whole)}) == 8
    for trials in range(8):
        with pytest.raises(Killed):
            carried(tmp_path / str(trials), search, KINDS, kinds, better="min", trials=trials)
        assert carried(tmp_path / str(trials), search, KINDS, kinds, better="min").trials == whole.trials


def test_what_failed_is_avoided() -> None:
    """The losses fall towards y = 0, and what lies beyond fails."""
    good = [Trial({"x": "0.01", "y": str(y / 10)}, losses=[-y / 10]) for y in range(-9, 1)]
    failed = [Trial({"x": "0.01", "y": str(y / 10)}, losses=[None]) for y in range(1, 10)]

    def beyond(known: list[Trial]) -> int:
        drawn = [tpe(seed=seed, trials=100).proposed(BOWL, known, 1)[0] for seed in range(40)]
        return sum(float(each["y"]) > 0.05 for each in drawn)

    assert beyond(good + failed) < beyond(good) / 2


def test_those_of_one_time_lie_apart() -> None:
    known = [Trial(setting, losses=[bowl(setting, 0)]) for setting in tpe().proposed(BOWL, [], 1)]
    drawn = tpe().proposed(BOWL, known, 3)
    assert len({str(each) for each in drawn}) == 3
    assert drawn[:1] == tpe().proposed(BOWL, known, 1)
    assert len(tpe(trials=12).proposed(BOWL, known, 8)) == 2


def test_finite_space_is_not_tried_twice(tmp_path: Path) -> None:
    space = space_of("b=u,v,w", "c=range(4)")
    study = carried(tmp_path, tpe(trials=12, startup=4), space, lambda setting, rung: float(setting["c"]), better="min")
    assert sorted(map(str, settings(study))) == sorted(map(str, space.grid()))


def test_refuses() -> None:
    with pytest.raises(ValueError, match=r"startup=30: all of search\.trials=30.*search=random"):
        tpe(startup=30)
    with pytest.raises(ValueError, match=r"search\.trials=30: there are 3 settings"):
        tpe().proposed(space_of("b=u,v,w"), [], 1)
    for knob in ("trials", "startup", "candidates"):
        with pytest.raises(ValueError, match=knob):
            tpe(**{knob: 0})
