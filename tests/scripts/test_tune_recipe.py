"""A search over a knob: each value is a run, entered once, and validation decides."""

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from tests.scripts.conftest import load

from temper.cookbook import ledger, tuning

Kitchen = Callable[[str, str], None]
SMALL = "# A small net.\ndefaults:\n  - override /optimizer: sgd\n  - _self_\nepochs: 2\n"


@pytest.fixture
def script() -> ModuleType:
    return load("tune_recipe")


def row(recipe: str, digest: str, seed: int, val: float) -> ledger.Row:
    return ledger.Row(
        recipe=recipe, digest=digest, seed=seed, date="", commit="", torch="", lightning="", device="", threads=1,
        epochs=2, seconds=1.0, wall_seconds=1.0, metric="accuracy", train=0.9, val=val, test=0.1, figures={},
    )  # fmt: skip


def trials(seeds: int, rows: list[ledger.Row]) -> list[tuple[str, int]]:
    made = tuning.trials(
        "baseline/small",
        "optimizer.lr",
        ["0.1", "0.3"],
        also=["epochs=1"],
        seeds=seeds,
        threads=1,
        machine=["data.root=x"],
        rows=rows,
    )
    assert all(each.epochs == 1 for each in made)
    assert all("data.root=x" not in each.command for each in made)  # digits have no root
    assert all(each.folder.relative_to(Path.cwd()).parts[:3] == ("outputs", "tune", "baseline") for each in made)
    return [(each.words[0], each.seed) for each in made]


def test_what_was_tried_is_not_tried_again_and_the_best_comes_first(kitchen: Kitchen) -> None:
    kitchen("baseline/small", SMALL)
    assert trials(2, []) == [
        ("optimizer.lr=0.1", 100),
        ("optimizer.lr=0.1", 101),
        ("optimizer.lr=0.3", 100),
        ("optimizer.lr=0.3", 101),
    ]
    made = tuning.trials(
        "baseline/small", "optimizer.lr", ["0.1", "0.3"], also=[], seeds=2, threads=1, machine=[], rows=[]
    )
    measured = [
        row(each.entered_as or "", each.digest, each.seed, val)
        for each, val in zip(made[:3], (0.5, 0.6, 0.8), strict=True)
    ]
    left = tuning.trials(
        "baseline/small", "optimizer.lr", ["0.1", "0.3"], also=[], seeds=2, threads=1, machine=[], rows=measured
    )
    assert [(each.words[0], each.seed) for each in left] == [("optimizer.lr=0.3", 101)]
    found = tuning.found("baseline/small", "optimizer.lr", ["0.1", "0.3", "1.0"], [], measured)
    assert found == [("0.3", 1, 0.8), ("0.1", 2, pytest.approx(0.55)), ("1.0", 0, None)]


def test_runs_and_tells(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tuning, "TUNING", tmp_path / "tuning.csv")
    monkeypatch.chdir(tmp_path)
    words = ["baseline/digits_mlp", "optimizer.lr=0.05", "epochs=1", "--threads", "1"]
    assert script.main([*words, "--untimed"]) == 0
    (entered,) = ledger.read(tmp_path / "tuning.csv")
    assert entered.recipe == "baseline/digits_mlp optimizer.lr=0.05 epochs=1"
    assert entered.seed == 100
    assert entered.seconds is None
    assert not entered.figures.keys() & ledger.TIMED
    assert script.main(words) == 0
    assert len(ledger.read(tmp_path / "tuning.csv")) == 1
    said = capsys.readouterr().out
    assert "0.05" in said
    assert "seed 100: val/accuracy" in said
    assert "test/" not in said  # that would be choosing by it


@pytest.mark.parametrize("words", [["baseline/digits_mlp", "optimizer.lr"], ["baseline/digits_mlp", "optimizer.lr="]])
def test_refuses_a_knob_without_values(
    script: ModuleType, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        script.main(words)
    assert "a knob and its values are wanted" in capsys.readouterr().err


def test_refuses_an_unknown_recipe(script: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        script.main(["baseline/digit_mlp", "optimizer.lr=0.1"])
    assert "baseline/digits_mlp" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("optimizr.lr=1,2",), "optimizr.lr=1: there is no optimizr; did you mean optimizer?"),
        (
            ("optimizer.lr=1,2", "optimizer=adm"),
            "optimizer=adm: optimizer has no option adm; did you mean adam?",
        ),
    ],
)
def test_refuses_words_as_train_does(
    script: ModuleType, words: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        script.main(["baseline/digits_mlp", *words])
    assert capsys.readouterr().err == f"temper: {said}\n"
