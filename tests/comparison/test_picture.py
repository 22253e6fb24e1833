from collections.abc import Callable
from pathlib import Path

import pytest
from matplotlib.axes import Axes
from matplotlib.image import imread
from tests.comparison.conftest import compared, four

from temper.comparison import picture
from temper.comparison.table import TO_TARGET

Made = Callable[..., Path]


@pytest.fixture
def labels(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return what will be written beside the rows of a picture."""
    found: list[str] = []
    original = Axes.set_yticks

    def noted(self: Axes, ticks: range, names: list[str]) -> object:
        found.extend(names)
        return original(self, ticks, names)

    monkeypatch.setattr(Axes, "set_yticks", noted)
    return found


def test_names_say_how_many_runs_finished(made: Made, tmp_path: Path, labels: list[str]) -> None:
    folders = [
        *four(made)[:3],
        made("failed", "sgd", 3, None, state="failed"),
        made("dead", "dead", 0, None, state="failed", choices={"optimizer": "lion"}),
    ]
    picture.draw(tmp_path / "a.png", compared(folders))
    assert labels == ["optimizer=sgd (3 of 4 finished)", "optimizer=lion (0 of 1 finished)"]
    height, width, _ = imread(tmp_path / "a.png").shape
    assert width == 975
    assert height > 200


def test_a_target_that_was_not_reached_has_no_mean(made: Made, tmp_path: Path, labels: list[str]) -> None:
    taken = [made(str(seed), seed=seed, speed={"seconds_to_target": seed or None}, target=0.8) for seed in range(2)]
    picture.draw(tmp_path / "a.png", compared(taken, TO_TARGET))
    assert [label.replace("\n", " ") for label in labels] == ["data=digits optimizer=sgd (1 of 2 reached)"]
