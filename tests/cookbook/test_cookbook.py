"""Standings, cards, the index and their check, on recipes and results of the test's own."""

import importlib.util
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from scipy.stats import ttest_ind

from temper import recipes
from temper.command import command_line
from temper.cookbook import choosing, ledger, verification
from temper.cookbook import pages as cookbook
from temper.cookbook.card import card, header, settings
from temper.cookbook.ledger import Row, append, read
from temper.cookbook.standing import compose_recipe, outdated, row_of, standing
from temper.cookbook.verification import Errand, errands
from temper.digest import digest
from temper.refusal import Refusal
from temper.report.record import Complexity, Cost, Report, Score, Speed

BASELINE = """\
# A small net on digits.
# The control.
#   python train.py recipe=baseline/small
defaults:
  - override /optimizer: momentum
  - _self_
epochs: 2
expect:
  metric: test/accuracy
  value: 0.9
  tolerance: 0.01
"""
ADAM = """\
# Adam in place of momentum.
defaults:
  - /recipe/baseline/small
  - override /optimizer: adam
  - _self_
optimizer:
  lr: 0.002
"""
CROPPED = """\
# Shifted images.
defaults:
  - override /task: cifar_resnet
  - override /augmentation: [flip, crop]
  - _self_
augmentation:
  crop:
    padding: 2
"""
CHOOSING = """\
introduction: What to try.
sections:
  - title: By problem
    columns: [problem, method]
    rows:
      - {problem: digits, method: a small net, recipe: baseline/small}
      - {problem: slow, method: Adam, recipe: optimizer/quick}
      - {problem: trembling, method: larger batches, command: python train.py batch_size=256}
      - {problem: diverging, method: a range test, command: python scripts/find_learning_rate.py}
"""


@pytest.fixture
def book(kitchen: Callable[[str, str], None], monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder of three recipes that stands in for recipes/."""
    for name, text in (("baseline/small", BASELINE), ("optimizer/quick", ADAM), ("augmentation/shift", CROPPED)):
        kitchen(name, text)
    monkeypatch.setattr(ledger, "RESULTS", recipes.RECIPES / "results.csv")
    monkeypatch.setattr(choosing, "SOURCE", recipes.RECIPES.parent / "choosing.yaml")
    choosing.SOURCE.write_text(CHOOSING)
    return recipes.RECIPES


def rows(recipe: str, *scores: float) -> list[Row]:
    today = digest(compose_recipe(recipe))
    report = Report(command="", seed=0, epochs=2, digest=today, device="this CPU", commit="abc")
    report.cost = Cost(seconds=90.0)
    made = []
    for seed, score in enumerate(scores):
        report.seed = seed
        report.metrics = {"test/accuracy": score, "val/accuracy": score, "train/accuracy": 1.0, "test/loss": None}
        report.score = Score(metric="val/accuracy", value=score, better="max")
        made.append(row_of(recipe, report, threads=1))
    return made


def test_standing_against_scipy(book: Path) -> None:
    one, two = (0.91, 0.93, 0.92), (0.95, 0.94, 0.97)
    every = rows("baseline/small", *one) + rows("optimizer/quick", *two)
    stands = standing("optimizer/quick", [*every, replace(every[-1], seed=9, digest="another", test=0.0)])
    interval = ttest_ind(two, one, equal_var=False).confidence_interval(0.95)
    assert stands.interval == pytest.approx((interval.low, interval.high))
    assert stands.mean_and_deviation("test/accuracy") == pytest.approx((0.953333, 0.0152753), rel=1e-5)
    assert stands.parent == "baseline/small"
    assert standing("baseline/small", every).interval is None


def test_a_promise_is_kept_by_the_mean(book: Path) -> None:
    assert standing("baseline/small", rows("baseline/small", 0.86, 0.92)).promise == "kept"
    assert standing("baseline/small", rows("baseline/small", 0.86, 0.91)).promise == "broken"
    assert standing("baseline/small", []).promise == "not comparable"
    assert standing("augmentation/shift", []).promise == "none"


def test_a_promise_that_a_seed_did_not_measure_is_broken(book: Path) -> None:
    first, second = rows("baseline/small", 0.95, 0.95)
    assert standing("baseline/small", [first, replace(second, figures={})]).promise == "broken"


def test_settings_are_what_the_file_says(book: Path) -> None:
    assert settings("augmentation/shift") == [
        ("task", "cifar_resnet"),
        ("augmentation", "[flip, crop]"),
        ("augmentation.crop.padding", "2"),
    ]
    assert header("baseline/small") == "A small net on digits.\nThe control."


def test_a_card_tells_method_knobs_and_numbers(book: Path) -> None:
    every = rows("baseline/small", 0.91, 0.93) + rows("optimizer/quick", 0.95, 0.97)
    text = card(standing("optimizer/quick", every))
    assert "arXiv:1412.6980" in text
    assert "```text\ng = ∇J(θ)" in text
    assert "| `optimizer.lr` | 0.002 | 0.001 | rate η: about the longest step of each parameter |" in text
    assert "| test/accuracy | 0.9600 | 0.0141 | 2 | -0.0208 to +0.1008 |" in text
    assert "| this CPU | 1 |" in text
    assert "| 2 | 1.5 |" in text
    assert "no worse by more than 0.01: kept" in text


def test_a_card_tells_the_score_with_and_without_views(book: Path) -> None:
    plain, *every = rows("baseline/small", 0.9, 0.91, 0.93)
    assert "accuracy_tta" not in card(standing("baseline/small", [plain]))
    every = [
        replace(row, figures={**row.figures, "test/accuracy_tta": row.figures["test/accuracy"] + 0.01}) for row in every
    ]
    lines = card(standing("baseline/small", every)).splitlines()
    first = lines.index("| test/accuracy | 0.9200 | 0.0141 | 2 |")
    assert lines[first + 1] == "| test/accuracy_tta | 0.9300 | 0.0141 | 2 |"


def test_a_card_without_rows_says_so(book: Path) -> None:
    text = card(standing("augmentation/shift", []))
    assert "Not measured yet: `python scripts/verify_recipe.py augmentation/shift --seeds 3`" in text
    assert text.index("## Method: augmentation=flip") < text.index("## Method: augmentation=crop")
    assert "| `augmentation.crop.padding` | 2 | 4 | pixels" in text


def test_every_command_in_a_block_of_a_card_is_accepted(book: Path) -> None:
    for name in recipes.names():
        blocks = re.findall(r"```bash\n(.*?)```", card(standing(name, [])), re.DOTALL)
        assert blocks == [f"python train.py recipe={name}\n"]
        command_line.check(blocks[0].split()[2:])


def test_what_people_write_is_kept(book: Path) -> None:
    stands = standing("optimizer/quick", [])
    written = card(stands).replace(
        "<!-- by hand: If it fails -->\n", "<!-- by hand: If it fails -->\nLower the rate.\n"
    )
    again = card(standing("optimizer/quick", rows("optimizer/quick", 0.9)), written)
    assert "<!-- by hand: If it fails -->\nLower the rate.\n<!-- end: If it fails -->" in again
    opening = "<!-- by hand: If it fails -->"
    assert card(stands, again) == written.replace(opening, f"## If it fails\n\n{opening}")


def test_check_finds_what_is_out_of_date(book: Path) -> None:
    results = book / "results.csv"
    assert len(cookbook.faults(results)) == 5  # the index, the page of choices and three cards are missing
    for path, text in cookbook.pages(results).items():
        path.write_text(text)
    assert cookbook.faults(results) == []
    append(rows("baseline/small", 0.9)[0], results)
    assert [fault.split(":")[0].removeprefix(f"{book}/") for fault in cookbook.faults(results)] == [
        "README.md",
        "CHOOSING.md",
        "baseline/small.md",
    ]
    for path, text in cookbook.pages(results).items():
        path.write_text(text)
    (book / "baseline" / "gone.md").write_text("")
    assert "gone.md: has no recipe: delete it" in cookbook.faults(results)[0]


def test_check_refuses_numbers_of_another_digest(book: Path) -> None:
    results = book / "results.csv"
    row = rows("baseline/small", 0.9)[0]
    for stale in (replace(row, digest="0123456789"), replace(row, seed=1, digest="0123456789")):
        append(stale, results)
    append(row, results)
    append(replace(row, recipe="baseline/gone"), results)
    for path, text in cookbook.pages(results).items():
        path.write_text(text)
    first, second = cookbook.faults(results)
    assert "2 rows of baseline/small are of digest 01234567, not of today's" in first
    assert "python scripts/verify_recipe.py baseline/small --prune" in first
    assert "1 rows of baseline/gone" in second
    assert "python scripts/verify_recipe.py --prune --seeds 0" in second
    assert len(outdated(read(results))) == 3
    assert script("verify_recipe").main(["baseline/small", "--prune", "--seeds", "0"]) == 0
    assert [each.recipe for each in outdated(read(results))] == ["baseline/gone"]
    assert script("verify_recipe").main(["--prune", "--seeds", "0"]) == 0
    assert read(results) == [row]


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, recipes.ROOT / "scripts" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def told(every: list[Row]) -> list[str]:
    standings = {name: standing(name, every) for name in recipes.names()}
    return choosing.choosing(choosing.SOURCE, standings).splitlines()


def test_choosing_fills_in_the_figures(book: Path) -> None:
    every = rows("baseline/small", 0.91, 0.93) + rows("optimizer/quick", 0.95, 0.97)
    lines = told(every)
    assert lines[0] == "# Choosing"
    assert "What to try." in lines
    assert lines[-6:] == [
        "| problem | method | command | our figure |",
        "| --- | --- | --- | --- |",
        "| digits | a small net | `python train.py recipe=baseline/small` | [baseline/small](baseline/small.md):"
        " test/accuracy 0.9200 ± 0.0141 (n = 2); 90 s on this CPU |",
        "| slow | Adam | `python train.py recipe=optimizer/quick` | [optimizer/quick](optimizer/quick.md):"
        " test/accuracy 0.9600 ± 0.0141 (n = 2); -0.0208 to +0.1008 against baseline/small: no difference that can be"
        " told from noise; 90 s on this CPU |",
        "| trembling | larger batches | `python train.py batch_size=256` | not measured yet |",
        "| diverging | a range test | `python scripts/find_learning_rate.py` | - |",
    ]
    better = [replace(row, seconds=None) for row in rows("optimizer/quick", 0.99, 0.991)]
    assert told(every[:2] + better)[-3].endswith(
        "(n = 2); -0.0552 to +0.1962 against baseline/small: no difference that can be told from noise |"
    )
    assert told(rows("optimizer/quick", 0.9))[-3].endswith("test/accuracy 0.9000 (n = 1); 90 s on this CPU |")
    assert told([])[-3].endswith("[optimizer/quick](optimizer/quick.md): not measured yet |")


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        (
            "recipe: optimizer/quick",
            "recipe: optimizer/quik",
            "slow · Adam · optimizer/quik: optimizer/quik: no such recipe; did",
        ),
        (", recipe: baseline/small", "", "digits · a small net: a row has problem, method, and a recipe or a command"),
        ("problem: slow, ", "", "Adam · optimizer/quick: a row has problem, method, and"),
        (
            "problem: slow,",
            "problem: slow, data: much,",
            "slow · much · Adam · optimizer/quick: a row has problem, method",
        ),
        (
            "recipe: baseline/small",
            "recipe: baseline/small, command: x",
            "a row has problem, method, and a recipe or a com",
        ),
        ("introduction:", "intro:", "an introduction and sections are wanted"),
        ("sections:", "sections: {", "an introduction and sections are wanted"),
    ],
)
def test_choosing_refuses_a_source_that_says_too_little(before: str, after: str, message: str, book: Path) -> None:
    choosing.SOURCE.write_text(CHOOSING.replace(before, after))
    with pytest.raises(Refusal) as refusal:
        told([])
    assert message in str(refusal.value)


def test_index_recipes_writes_and_checks(book: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main = script("index_recipes").main
    assert main(["--check"]) == 1
    assert "README.md: is missing" in capsys.readouterr().err
    assert main([]) == 0
    assert main(["--check"]) == 0
    index = (book / "README.md").read_text()
    assert "[optimizer/quick](optimizer/quick.md)" in index
    assert "baseline/small: optimizer=adam, optimizer.lr=0.002" in index


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


def test_verify_enters_each_seed_and_goes_on(
    book: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "160")
    main, results = script("verify_recipe").main, book / "results.csv"
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


def test_untimed_runs_enter_no_times(
    book: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "160")
    Runs(monkeypatch, first=0.95)
    assert script("verify_recipe").main(["baseline/small", "--seeds", "1", "--untimed"]) == 0
    assert "seed 0: test/accuracy 0.9500, not timed" in (said := capsys.readouterr().out)
    assert said.count("not timed") == 2  # the table too
    assert script("verify_recipe").main(["baseline/small", "--seeds", "2"]) == 0
    assert "1.0 (of 1)" in capsys.readouterr().out
    untimed, timed = read(book / "results.csv")
    assert (untimed.seconds, untimed.wall_seconds) == (None, None)
    assert (timed.seconds, timed.wall_seconds) == (60.0, 66.0)
    assert timed.figures.keys() - untimed.figures.keys() == ledger.TIMED
    assert untimed.figures.keys() == {
        "test/accuracy", "cost/training_multiply_adds", "cost/peak_memory_bytes", "complexity/parameters"
    }  # fmt: skip
    cell = card(standing("baseline/small", [untimed])).split("| minutes of training |")[1].splitlines()[2]
    assert cell.endswith("| 1 | not timed |")
    cell = card(standing("baseline/small", [untimed, timed])).split("| minutes of training |")[1].splitlines()[2]
    assert cell.endswith("| 2 | 1.0 (of 1) |")


def test_verify_says_that_a_promise_is_broken(
    book: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "160")
    Runs(monkeypatch, first=0.5)
    assert script("verify_recipe").main(["baseline/small", "optimizer/quick", "--seeds", "2"]) == 1
    assert "broken: baseline/small" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words", [["--seeds", "3"], ["x", "--jobs", "0"], ["x", "--seeds", "-1"], ["x", "--threads", "0"]]
)
def test_verify_refuses_a_command_that_says_too_little(words: list[str]) -> None:
    with pytest.raises(SystemExit):
        script("verify_recipe").main(words)


def test_an_errand_tells_its_epoch(tmp_path: Path) -> None:
    errand = Errand(recipe="r", digest="d", seed=0, folder=tmp_path, epochs=9, words=(), threads=1)
    assert errand.epoch() == 0
    (tmp_path / "metrics.csv").write_text("step,epoch,train/loss\n50,3,0.1\n100,4,0.2\n15")
    assert errand.epoch() == 4


def test_no_card_or_figure_of_ours_is_out_of_date() -> None:
    assert cookbook.faults(ledger.RESULTS) == []
