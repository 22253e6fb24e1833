"""What a search leaves: each trial in the table, in results.csv and in the picture."""

import csv
import warnings
from pathlib import Path

import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from rich.console import Console

from temper.report.search_results import Row, State, draw, table, write
from temper.search.space import Choice, Interval, Space

SPACE = Space(
    {
        "optimizer.lr": Interval(1e-4, 1.0, log=True),
        "task.dropout": Interval(0.0, 0.5),
        "augmentation": Choice(("[crop,flip]", "[mixup]")),
        "seed": Choice(tuple(map(str, range(20))), ordered=True),
    }
)


def row(number: int, state: State, scores: list[float], lr: str, augmentation: str = "[mixup]") -> Row:
    return Row(
        number=number,
        state=state,
        drawn={"optimizer.lr": lr, "task.dropout": "0.25", "augmentation": augmentation, "seed": str(number)},
        epochs=(1, 3, 9)[: len(scores)],
        scores=scores,
        folder=Path("sweep", str(number)),
    )


ROWS = [
    row(2, "whole", [0.5, 0.7, 0.9], "0.1"),
    row(0, "left off", [0.4, 0.6], "0.01", "[crop,flip]"),
    row(1, "left off", [0.3], "0.001"),
    row(3, "failed", [], "1"),
]


def places(path: Path, monkeypatch: pytest.MonkeyPatch, rows: list[Row], best: int | None) -> list[Axes]:
    """Return the parts of the picture that is drawn of ``rows``."""
    kept: list[Axes] = []
    saved = Figure.savefig

    def save(self: Figure, file: Path) -> None:
        kept.extend(self.axes)
        saved(self, file)

    monkeypatch.setattr(Figure, "savefig", save)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        draw(path, rows, SPACE, "val/accuracy", "max", best)
    assert path.read_bytes().startswith(b"\x89PNG")
    return [each for each in kept if each.get_visible()]


def points(place: Axes) -> set[tuple[float, float]]:
    marked = [line for line in place.lines if line.get_marker() not in ("", "None")]
    return {(float(x), float(y)) for line in marked for x, y in line.get_xydata()}  # type: ignore[union-attr]


def test_file(tmp_path: Path) -> None:
    write(tmp_path / "results.csv", ROWS, list(SPACE.dimensions))
    with (tmp_path / "results.csv").open() as file:
        read = list(csv.DictReader(file))
    assert [each["trial"] for each in read] == ["2", "0", "1", "3"]
    assert [each["score"] for each in read] == ["0.9", "0.6", "0.3", ""]
    assert [each["epochs"] for each in read] == ["9", "3", "1", ""]
    assert [each["state"] for each in read] == ["whole", "left off", "left off", "failed"]
    assert read[1]["augmentation"] == "[crop,flip]"
    assert read[0]["folder"] == "sweep/2"


def test_table(capsys: pytest.CaptureFixture[str]) -> None:
    Console(width=200).print(table(ROWS, "val/accuracy"))
    lines = [line for line in capsys.readouterr().out.splitlines() if "optimizer.lr=" in line]
    assert [line.split("│")[1].strip() for line in lines] == ["2", "0", "1", "3"]
    assert "0.9000" in lines[0]
    assert "failed" in lines[3]


def test_picture_over_epochs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    course, *slices = places(tmp_path / "search.png", monkeypatch, ROWS, 2)
    assert points(course) == {(1, 0.5), (3, 0.7), (9, 0.9), (1, 0.4), (3, 0.6), (1, 0.3)}
    assert len(slices) == 4
    assert points(slices[0]) == {(0.1, 0.9), (0.01, 0.6), (0.001, 0.3)}
    assert slices[0].get_xscale() == "log"
    low, high = slices[0].get_xlim()
    assert low <= 1e-4
    assert high >= 1
    assert points(slices[2]) == {(1, 0.9), (0, 0.6), (1, 0.3)}
    assert [label.get_text() for label in slices[2].get_xticklabels()] == ["[crop,flip]", "[mixup]"]
    assert points(slices[3]) == {(2, 0.9), (0, 0.6), (1, 0.3)}


def test_picture_over_trials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [row(0, "whole", [0.4], "0.1"), row(2, "whole", [0.3], "0.2"), row(1, "whole", [0.6], "0.3")]
    course, *_ = places(tmp_path / "search.png", monkeypatch, rows, 1)
    assert points(course) == {(0, 0.4), (2, 0.3), (1, 0.6)}
    (best,) = (line for line in course.lines if line.get_label() == "best so far")
    assert list(best.get_ydata()) == [0.4, 0.6, 0.6]
    legend = course.get_legend()
    assert legend is not None
    assert legend.get_window_extent().y0 >= course.get_window_extent().y1, "above the data"


def test_picture_of_failures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for rows in ([row(0, "failed", [], "0.1")], [row(0, "left off", [0.4, 0.5], "0.1")]):
        assert places(tmp_path / "search.png", monkeypatch, rows, None)
