"""The state of a search: what was decided stands, what failed is tried again, and it is nobody else's folder."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.search.conftest import carried, space_of

from temper.command.study import FILE, Study
from temper.refusal import Refusal
from temper.search.halving import Halving
from temper.search.random import Random

SPACE = space_of("a=int(interval(0,99))")
HALVING = Halving(trials=4, seed=0, first=1, factor=2)


def failing(*numbers: int) -> Callable[[dict[str, str], int], float | None]:
    """Return scores of HALVING's trials, of which some fail."""
    drawn = HALVING.proposed(SPACE, [], 1)
    return lambda setting, rung: None if drawn.index(setting) in numbers else float(setting["a"]) + rung


def test_what_failed_is_tried_again(tmp_path: Path) -> None:
    search = Random(trials=4, seed=0)
    first = carried(tmp_path, search, SPACE, failing(1, 2))
    assert [trial.losses == [None] for trial in first.trials] == [False, True, True, False]
    again = carried(tmp_path, search, SPACE, failing(2))
    assert [trial.losses == [None] for trial in again.trials] == [False, False, True, False]
    assert [trial.drawn for trial in again.trials] == [trial.drawn for trial in first.trials]


def test_but_not_where_others_went_on_without_it(tmp_path: Path) -> None:
    best = max(range(4), key=lambda number: int(HALVING.proposed(SPACE, [], 1)[number]["a"]))
    first = carried(tmp_path, HALVING, SPACE, failing(best), rungs=3)
    assert first.trials[best].losses == [None]
    assert first.best(3) not in (None, best)
    assert carried(tmp_path, HALVING, SPACE, failing(), rungs=3).trials == first.trials


def test_all_fail(tmp_path: Path) -> None:
    study = carried(tmp_path, HALVING, SPACE, failing(0, 1, 2, 3), rungs=3)
    assert study.best(3) is None
    assert all(trial.losses == [None] for trial in study.trials)


def test_the_best_has_come_to_the_end(tmp_path: Path) -> None:
    """Of the last rung's only trial fails, those before it are not the best: they have not been trained so long."""
    scored = failing()
    study = carried(
        tmp_path, HALVING, SPACE, lambda setting, rung: scored(setting, rung) if rung < 2 else None, rungs=3
    )
    assert study.best(3) is None
    assert [len(study.trials[number].losses) for number in study.ranked()] == [2, 3, 1, 1]


def test_ranks_by_direction(tmp_path: Path) -> None:
    search = Random(trials=4, seed=0)
    values = [int(each["a"]) for each in search.proposed(SPACE, [], 1)]
    for better, sign in (("max", -1), ("min", 1)):
        study = carried(tmp_path / better, search, SPACE, failing(), better=better)
        assert study.ranked() == sorted(range(4), key=lambda number: sign * values[number])
        assert [study.scores(trial) for trial in study.trials] == [[float(value)] for value in values]
        kept = json.loads((tmp_path / better / FILE).read_text())
        assert [each["scores"] for each in kept["trials"]] == [[float(value)] for value in values]


def test_refuses_other_settings(tmp_path: Path) -> None:
    before = {"search": "tpe", "search.seed": 0, "optimizer.lr": "interval(0,1)", "data.root": "a", "trainer": "cpu"}
    study = Study(tmp_path, before, "max")
    with pytest.raises(Refusal, match="in use by another search"):
        Study(tmp_path, before, "max")
    study.save()
    study.close()
    Study(tmp_path, before | {"data.root": "b", "trainer": "gpu"}, "max").close()
    with pytest.raises(Refusal, match=r"other settings: search\.seed, optimizer\.lr differ: .*hydra\.sweep\.dir="):
        Study(tmp_path, before | {"search.seed": 1, "optimizer.lr": "1,2"}, "max")
    (tmp_path / FILE).write_text("{")
    with pytest.raises(Refusal, match=r"search\.json is not of this version"):
        Study(tmp_path, before, "max")


def test_a_kill_while_it_is_written_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = carried(tmp_path, Random(trials=2, seed=0), SPACE, failing())
    before = (tmp_path / FILE).read_text()

    def killed(*_: object, **__: object) -> None:
        raise InterruptedError

    monkeypatch.setattr("temper.command.study.os.fsync", killed)
    study.trials.clear()
    with pytest.raises(InterruptedError):
        study.save()
    assert (tmp_path / FILE).read_text() == before
