"""The picture of a run and the reading of its metrics.csv."""

from pathlib import Path

import pytest
from matplotlib.figure import Figure
from matplotlib.image import imread

from temper.report import curves
from temper.report.curves import draw, read_metrics, steady

CSV = """step,epoch,seconds,train/loss,train/accuracy,learning_rate,val/loss,val/accuracy
1,0,0.1,2.0,0.1,0.1,,
2,0,0.2,nan,0.3,0.1,,
2,0,,,,,1.5,0.4
3,1,0.3,0.001,0.9,0.05,,
2,1,0.4,0.5,,,,
3,1,0.5,0.0,,,,
"""


def test_reads_each_column_by_step(tmp_path: Path) -> None:
    (tmp_path / "metrics.csv").write_text(CSV + "x")
    metrics = read_metrics(tmp_path)
    assert metrics["train/loss"] == [(1, 2.0), (2, 0.5), (3, 0.0)]  # the later row of a step counts, nan does not
    assert metrics["val/accuracy"] == [(2, 0.4)]
    assert metrics["learning_rate"] == [(1, 0.1), (2, 0.1), (3, 0.05)]
    assert "step" not in metrics


def test_reads_nothing_where_nothing_is(tmp_path: Path) -> None:
    assert read_metrics(tmp_path) == {}
    assert draw(tmp_path) is None
    (tmp_path / "metrics.csv").write_text("step,train/loss\n")
    assert read_metrics(tmp_path) == {}
    assert draw(tmp_path) is None


def test_means_of_few_steps_are_not_drawn() -> None:
    assert steady([(50, 1.0), (100, 1.0), (120, 9.0), (170, 1.0), (220, 1.0), (240, 9.0)]) == [
        (50, 1.0),
        (100, 1.0),
        (170, 1.0),
        (220, 1.0),
    ]
    assert steady([(2, 1.0)]) == [(2, 1.0)]
    assert steady([(3, 1.0), (6, 2.0), (8, 3.0)]) == [(3, 1.0), (6, 2.0), (8, 3.0)]
    assert steady([]) == []


def rows(*, loss: bool = True, metric: str | None = "accuracy", rate: bool = True) -> str:
    columns = ["step", "epoch"] + ["train/loss"] * loss + [f"val/{metric}"] * bool(metric) + ["learning_rate"] * rate
    lines = [[str(step), str(step // 3)] + [str(1.0 / (step + 1))] * (len(columns) - 2) for step in range(9)]
    return "\n".join(",".join(line) for line in [columns, *lines]) + "\n"


@pytest.mark.parametrize(
    ("text", "panels"),
    [
        (rows(), 3),
        (rows(metric="rmse"), 3),
        (rows(metric=None), 2),
        (rows(metric=None, rate=False), 1),
        (rows(loss=False, rate=False), 1),
    ],
)
def test_draws_the_panels_that_have_something_to_show(tmp_path: Path, text: str, panels: int) -> None:
    (tmp_path / "metrics.csv").write_text(text)
    assert draw(tmp_path) == tmp_path / "curves.png"
    height, width = imread(tmp_path / "curves.png").shape[:2]
    assert width / panels == pytest.approx(4.4 * 130, abs=2)
    assert height == pytest.approx(3.5 * 130, abs=2)
    assert imread(tmp_path / "curves.png").std() > 0.01  # something is on it


def test_the_loss_is_logarithmic_over_more_than_two_decades_only() -> None:
    def scale(values: list[float]) -> str:
        axes = Figure().subplots()
        curves._panel(axes, "loss", {"train": list(enumerate(values))}, [])
        return str(axes.get_yscale())

    assert scale([1.0, 0.009]) == "log"
    assert scale([1.0, 0.011]) == "linear"
    assert scale([1.0, 0.0]) == "linear"


@pytest.mark.parametrize(
    ("metric", "preprocessing", "labels"),
    [
        ("rmse", "{standardize: {target: true}}", ["train, of the standardised target"]),
        ("rmse", "{standardize: {target: false}}", ["train, as minimised", "val, plain"]),
        ("rmse", "{}", ["train, as minimised", "val, plain"]),
        ("accuracy", "{standardize: {target: true}}", ["train, as minimised", "val, plain"]),  # classes stay
    ],
)
def test_losses_of_different_units_share_no_axis(
    metric: str, preprocessing: str, labels: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config.yaml").write_text(f"preprocessing: {preprocessing}\n")
    (tmp_path / "metrics.csv").write_text(f"step,train/loss,val/loss,val/{metric}\n9,1.0,5000,70.7\n18,0.9,4900,70\n")
    kept: list[Figure] = []
    monkeypatch.setattr(Figure, "savefig", lambda self, path: kept.append(self))
    draw(tmp_path)
    assert kept[0].axes[0].get_legend_handles_labels()[1] == labels


def test_one_step_alone_can_be_seen(tmp_path: Path) -> None:
    (tmp_path / "metrics.csv").write_text("step,epoch,train/loss,learning_rate\n1,0,2.0,0.0\n")
    assert draw(tmp_path) is not None


def epoch_marks(epochs: list[tuple[int, float]]) -> dict[str, float]:
    """Return where each epoch is marked on a panel of ``epochs``."""
    axes = Figure().subplots()
    curves._panel(axes, "loss", {"train": [(step, 1.0) for step, _ in epochs]}, epochs)
    return {
        label.get_text(): round(float(tick), 6)
        for upper in axes.child_axes
        for tick, label in zip(upper.get_xticks(), upper.get_xticklabels(), strict=True)
    }


@pytest.mark.parametrize(
    ("epochs", "marks"),
    [
        ([(17 * (epoch + 1), epoch) for epoch in range(20)], {"5": 85, "10": 170, "15": 255}),
        ([(step, (step - 1) // 10) for step in range(1, 31)], {"0": 0, "1": 10, "2": 20}),
        ([(100 * row, 100 * row - 1) for row in range(1, 11)], {"200": 200, "400": 400, "600": 600, "800": 800}),
        ([(50, 1), (100, 3), (150, 5)], {"2": 50, "3": 75, "4": 100, "5": 125}),
        ([(8, 0), (17, 0)], {}),  # the first epoch alone has begun
    ],
)
def test_an_epoch_is_marked_where_so_many_are_over(epochs: list[tuple[int, float]], marks: dict[str, float]) -> None:
    assert epoch_marks(epochs) == marks


def test_a_regression_without_preprocessing_is_drawn(tmp_path: Path) -> None:
    (tmp_path / "metrics.csv").write_text(rows(metric="rmse"))
    (tmp_path / "config.yaml").write_text("epochs: 3\n")
    assert draw(tmp_path) is not None
