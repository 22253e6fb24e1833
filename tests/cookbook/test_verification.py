"""Recipes measured over seeds: what is missing is run, each finished seed entered once."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.cookbook.conftest import rows
from tests.scripts.conftest import load

from temper.command import command_line
from temper.cookbook import ledger, verification
from temper.cookbook.card import card
from temper.cookbook.ledger import read
from temper.cookbook.standing import compose_recipe, standing
from temper.cookbook.verification import Errand, errands
from temper.digest import digest
from temper.refusal import Refusal
from temper.report.record import Complexity, Cost, Report, Score, Speed


def test_errands_are_what_is_missing(book: Path) -> None:
    known = rows("baseline/small", 0.9)
    found = errands(["baseline/small", "augmentation/shift"], 2, 3, ["data.root=/images", "trainer=cpu"], known)
    assert [(each.recipe, each.seed) for each in found] == [
        ("augmentation/shift", 0),
        ("baseline/small", 1),
        ("augmentation/shift", 1),
    ]
    assert "data.root=/images" in found[0].command
    assert "data.root=/images" not in found[1].command  # digits have no root
    command_line.check(found[0].command[2:])
    assert {"trainer=cpu", "recipe=augmentation/shift", "seed=0", "trainer.threads=3"} < set(found[0].command)
    assert found[1].folder.parts[-5:] == ("verify", "baseline", "small", known[0].digest[:8], "seed_1")


@pytest.mark.parametrize("word", ["optimizer.lr=1", "debug=steps", "seed=3", "trainers=x", "+epochs=1"])
def test_refuses_to_measure_another_method(word: str, book: Path) -> None:
    with pytest.raises(Refusal, match=re.escape(word) + ": a recipe is measured as it stands; only trainer, logger"):
        errands(["baseline/small"], 1, 1, [word], [])


def test_refuses_an_unknown_recipe(book: Path) -> None:
    with pytest.raises(Refusal, match="baseline/smal: no such recipe; did you mean baseline/small"):
        errands(["baseline/smal"], 1, 1, [], [])


class Runs:
    """Stands for ``train.py``: leaves a report whose score rises with the seed; ``failing`` seeds fail."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, first: float, failing: tuple[int, ...] = ()) -> None:
        self.first, self.failing, self.seeds = first, failing, list[int]()
        monkeypatch.setattr(verification.subprocess, "run", self)

    def __call__(self, command: list[str], stdout: Any, **_: Any) -> subprocess.CompletedProcess[str]:
        if command[0] != sys.executable:  # git, asked for the commit
            return subprocess.CompletedProcess(command, 1, "", "")
        words = dict(word.split("=", 1) for word in command[2:])
        seed, folder = int(words["seed"]), Path(words["hydra.run.dir"].strip('"'))
        self.seeds.append(seed)
        if seed in self.failing:
            stdout.write("the disk is full\n")
            return subprocess.CompletedProcess(command, 7)
        today = digest(compose_recipe(words["recipe"]))
        report = Report(command="", state="finished", seed=seed, epochs=2, digest=today, device="d")
        report.metrics = {"test/accuracy": self.first + seed / 100}
        report.score = Score(metric="val/accuracy", value=None, better="max")
        report.cost = Cost(training_multiply_adds=6, seconds=60.0, wall_seconds=66.0, peak_memory_bytes=8, joules=9.0)
        report.speed = Speed(examples_per_second=100.0, seconds_to_target=30.0)
        report.complexity = Complexity(parameters=10, latency_seconds=0.001)
        report.save(folder)
        return subprocess.CompletedProcess(command, 0)


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "160")


def test_verify_enters_each_seed_and_goes_on(
    book: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    main, results = load("verify_recipe").main, book / "results.csv"
    runs = Runs(monkeypatch, first=0.9, failing=(1,))
    assert main(["baseline/small", "--seeds", "3"]) == 1
    said = capsys.readouterr()
    assert "baseline/small seed 1 ended with status 7" in said.err
    assert "the disk is full" in said.err
    assert [row.seed for row in read(results)] == [0, 2]
    runs = Runs(monkeypatch, first=0.9)
    assert main(["--jobs", "1", "baseline/small", "--seeds", "3", "--threads", "1"]) == 0
    assert runs.seeds == [1]
    assert "0.9100 ± 0.0100" in capsys.readouterr().out
    assert main(["baseline/small"]) == 0
    assert runs.seeds == [1]


def test_a_report_that_cannot_be_read_fails_alone(
    book: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Runs(monkeypatch, first=0.9)
    honest = Errand.run

    def broken(errand: Errand) -> Report:
        report = honest(errand)
        if errand.seed == 0:
            (errand.folder / "report.json").write_text("{")
            return Report.load(errand.folder)
        return report

    monkeypatch.setattr(Errand, "run", broken)
    assert load("verify_recipe").main(["baseline/small", "--seeds", "2"]) == 1
    assert "report.json" in capsys.readouterr().err
    assert [row.seed for row in read(book / "results.csv")] == [1]


def test_what_was_begun_beside_other_work_has_no_times(book: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Runs(monkeypatch, first=0.9, failing=(0,))
    assert load("verify_recipe").main(["baseline/small", "--seeds", "1", "--untimed"]) == 1
    Runs(monkeypatch, first=0.9)
    assert load("verify_recipe").main(["baseline/small", "--seeds", "2"]) == 0
    assert [row.seconds for row in read(book / "results.csv")] == [None, 60.0]


def test_runs_beside_one_another_enter_no_times(book: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Runs(monkeypatch, first=0.9)
    assert load("verify_recipe").main(["baseline/small", "--seeds", "2", "--jobs", "2"]) == 0
    assert [row.seconds for row in read(book / "results.csv")] == [None, None]


def test_untimed_runs_enter_no_times(
    book: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Runs(monkeypatch, first=0.95)
    assert load("verify_recipe").main(["baseline/small", "--seeds", "1", "--untimed"]) == 0
    assert "seed 0: test/accuracy 0.9500, not timed" in (said := capsys.readouterr().out)
    assert said.count("not timed") == 2  # the table too
    assert load("verify_recipe").main(["baseline/small", "--seeds", "2"]) == 0
    assert "60 s (of 1)" in capsys.readouterr().out
    untimed, timed = read(book / "results.csv")
    assert (untimed.seconds, untimed.wall_seconds) == (None, None)
    assert (timed.seconds, timed.wall_seconds) == (60.0, 66.0)
    assert timed.figures.keys() - untimed.figures.keys() == ledger.TIMED
    assert untimed.figures.keys() == {
        "test/accuracy", "cost/training_multiply_adds", "cost/peak_memory_bytes", "complexity/parameters"
    }  # fmt: skip
    cell = card(standing("baseline/small", [untimed])).split("| training |")[1].splitlines()[2]
    assert cell.endswith("| 1 | not timed |")
    cell = card(standing("baseline/small", [untimed, timed])).split("| training |")[1].splitlines()[2]
    assert cell.endswith("| 2 | 60 s (of 1) |")


def test_verify_says_that_a_promise_is_broken(
    book: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Runs(monkeypatch, first=0.5)
    assert load("verify_recipe").main(["baseline/small", "optimizer/quick", "--seeds", "2"]) == 1
    said = capsys.readouterr().err
    assert "broken: baseline/small promises test/accuracy of" in said
    assert "or promise otherwise by expect in recipes/baseline/small.yaml" in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--seeds", "3"], "name a recipe, such as baseline/digits_mlp"),
        (["x", "--jobs", "0"], "--jobs: 0 is below 1"),
        (["x", "--seeds", "-1"], "--seeds: -1 is below 0"),
        (["x", "--threads", "0"], "--threads: 0 is below 1"),
        (["x", "--seeds", "few"], "--seeds: few is no whole number"),
    ],
)
def test_verify_refuses_a_command_that_says_too_little(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        load("verify_recipe").main(words)
    assert said in capsys.readouterr().err


def test_an_errand_tells_its_epoch(tmp_path: Path) -> None:
    errand = Errand(recipe="r", digest="d", seed=0, folder=tmp_path, epochs=9, words=(), threads=1)
    assert errand.epoch() == 0
    (tmp_path / "metrics.csv").write_text("step,epoch,train/loss\n50,3,0.1\n100,4,0.2\n15")
    assert errand.epoch() == 4
