"""What the reader of a finished run's report must know: a regression that the mean of the targets would beat."""

import math
from collections.abc import Callable
from pathlib import Path

import pytest

from temper.report.notes import of_class_weights, taken_again, worse_once_smaller, worse_than_the_mean
from temper.report.record import Attempt, Report

ROWS = [f"{row % 10}.5,{'red' if row % 2 else 'blue'},{100 + 20 * (row % 10)}.5" for row in range(60)]
PRICE = ("data=table", "data.path=my_table.csv", "data.target=price", "loss=mse", "epochs=20", "batch_size=8")


@pytest.fixture
def priced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Write a table whose targets are far from 1 in size into the working folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my_table.csv").write_text("\n".join(["length,colour,price", *ROWS]))


KNOB = "preprocessing.standardize.target=true"


def test_says_so_below_0_alone() -> None:
    for metrics in ({"test/r2": 0.5}, {"test/r2": 0.0}, {"test/r2": math.nan}, {"test/r2": None}, {}):
        assert worse_than_the_mean(metrics, [], "optimizer.lr", KNOB) == []
    (note,) = worse_than_the_mean({"test/r2": -0.1}, [], "optimizer.lr", KNOB)
    assert "worse than the mean of the targets" in note
    assert KNOB in note


@pytest.mark.parametrize(
    ("losses", "better", "way"),
    [
        ([9.0, 8.0, 5.0, 4.0, 3.0, 2.0], -0.1, "still falls: raise optimizer.base.lr, or train for longer"),
        ([1.0, 2.0, 3.0], -0.1, "rises: lower optimizer.base.lr"),
        ([9.0, 1.0, 1.001], -0.1, "choose another optimizer.base.lr"),
        ([9.0, 1.0, 1.001], 0.9, "train on more examples"),
        ([1.0, 0.1], -0.1, "choose another optimizer.base.lr"),  # too few to say
    ],
)
def test_the_way_out_is_that_of_the_training(losses: list[float], better: float, way: str) -> None:
    (note,) = worse_than_the_mean({"test/r2": -0.1, "train/r2": better}, losses, "optimizer.base.lr", None)
    assert way in note
    assert "deviations" not in note


def test_says_so_of_what_was_made_smaller() -> None:
    good, bad = {"test/r2": 0.5}, {"test/r2": -0.1}
    assert worse_once_smaller(good, good) == worse_once_smaller(bad, good) == worse_once_smaller({}, {}) == []
    for before, named in ((good, ("let less of it go", "transfer=checkpoint")), (bad, ("train that better first",))):
        (note,) = worse_once_smaller(before, bad)
        assert "the smaller network is worse than the mean of the targets" in note
        assert all(word in note for word in named)


def test_says_what_each_class_weighs() -> None:
    assert of_class_weights((), ("cat", "dog")) == []
    assert of_class_weights((0.5, 12.345), ("cat", "dog")) == [
        "an example's loss weighs by its class: 0.5 (cat), 12.3 (dog)"
    ]
    many = of_class_weights([1.0] * 29 + [0.25, 4.0], [f"class_{row}" for row in range(31)])
    assert many == ["an example's loss weighs by its class: from 0.25 (class_29) to 4 (class_30)"]


@pytest.mark.parametrize(
    ("words", "first", "last"),
    [
        # The 421 examples of a long tail, 104 of the digit 0 and 10 of the 9: inverse to that, and 1 on average.
        (("loss=cross_entropy", "loss.class_weights=inverse"), 42.1 / 104, 42.1 / 10),
        (("loss=class_balanced", "loss.beta=0.0"), 1.0, 1.0),
    ],
)
def test_a_run_says_what_its_classes_weigh(
    train: Callable[..., Report], words: tuple[str, ...], first: float, last: float, tmp_path: Path
) -> None:
    report = train("epochs=1", "data.imbalance=10", *words)
    (note,) = (note for note in report.notes if note.startswith("an example's loss weighs by its class: "))
    told = [float(each.split()[0]) for each in note.rpartition("class: ")[2].split(", ")]
    assert (told[0], told[9]) == pytest.approx((first, last), rel=0.01)
    assert not [note for note in train("epochs=1", folder=tmp_path / "plain").notes if "weighs by its class" in note]


def test_a_number_of_ones_own_table(train: Callable[..., Report], priced: None, tmp_path: Path) -> None:
    bad = train(*PRICE, "optimizer.lr=1e-6", folder=tmp_path / "bad")
    assert bad.metrics["test/r2"] < 0
    (note,) = (note for note in bad.notes if "worse than the mean of the targets" in note)
    assert f"({KNOB})" in note
    assert "still falls: raise optimizer.lr" in note
    good = train(*PRICE, "preprocessing.standardize.target=true")
    assert good.metrics["test/r2"] > 0.9
    assert not any("worse than the mean" in note for note in good.notes)
    assert good.generalisation.test == good.metrics["test/rmse"]
    assert good.generalisation.gap == good.metrics["test/rmse"] - good.metrics["train/rmse"]


def test_the_gap_is_what_the_training_set_is_better_by(train: Callable[..., Report]) -> None:
    report = train("epochs=2", "trainer=cpu", "trainer.threads=1")
    assert report.generalisation.test == report.metrics["test/accuracy"]
    assert report.generalisation.gap == report.metrics["train/accuracy"] - report.metrics["test/accuracy"]


def test_an_error_reaches_its_target_from_above(train: Callable[..., Report], tmp_path: Path) -> None:
    words = ("task=linear_regression", "preprocessing=[standardize]", "epochs=1", "trainer=cpu")
    reached = train(*words, "target=1e9", "trainer.threads=1", folder=tmp_path / "reached")
    assert reached.speed.seconds_to_target is not None
    assert (reached.target, reached.processes, reached.threads, reached.forked) == (1e9, 1, 1, False)
    assert train(*words, "target=1e-9", folder=tmp_path / "missed").speed.seconds_to_target is None


def test_a_loss_of_classes_says_what_a_number_wants(train: Callable[..., Report], priced: None) -> None:
    with pytest.raises(ValueError, match=r"choose loss=mse or half_mse, and preprocessing\.standardize\.target=true"):
        train("data=table", "data.path=my_table.csv", "data.target=price")


def test_steps_that_were_taken_again_are_told() -> None:
    def told(*spans: tuple[int, int]) -> list[str]:
        return taken_again([Attempt(from_step=begin, last_step=end) for begin, end in spans])

    assert told() == told((0, 100)) == told((0, 40), (40, 100)) == []
    (note,) = told((0, 1300), (40, 1260), (1259, 1400))
    assert note.startswith("taken again, as the run was cut off: at least 1,261 steps; cost counts both times")
    (one,) = told((0, 41), (40, 100))
    assert " 1 step; " in one


def test_a_class_without_a_test_example_has_no_recall(
    train: Callable[..., Report], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    kinds = ["rare", *(("ant", "bee")[row % 2] for row in range(40))]
    (tmp_path / "few.csv").write_text("\n".join(["x,kind", *(f"{row},{kind}" for row, kind in enumerate(kinds))]))
    report = train("data=table", "data.path=few.csv", "data.target=kind", "epochs=1")
    assert report.per_class["rare"] is None  # not nan, which no reader of report.json would find there either
    assert report.per_class == Report.load(tmp_path / "run").per_class
