"""Every combination once, in the order in which a sweep without a search tries them."""

from pathlib import Path

import pytest
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser.overrides_parser import OverridesParser
from tests.search.conftest import carried, settings, space_of

from temper.search.grid import Grid

WORDS = ["a=1,2", "b=choice(x,y)", "c=range(3)"]


def test_is_the_sweep_of_hydra(tmp_path: Path) -> None:
    study = carried(tmp_path, Grid(), space_of(*WORDS), lambda setting, rung: float(setting["c"]))
    (theirs,) = BasicSweeper.split_arguments(OverridesParser.create().parse_overrides(WORDS), None)
    assert [[f"{key}={value}" for key, value in each.items()] for each in settings(study)] == theirs
    assert study.best(1) == 2


def test_refuses_what_has_no_end() -> None:
    with pytest.raises(ValueError, match=r"search=grid: an interval has no end of values.*search=random"):
        Grid().proposed(space_of("a=1,2", "b=interval(0,1)"), [], 1)
