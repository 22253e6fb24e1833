"""The page of choices: figures filled in, and a source that says too little refused."""

from dataclasses import replace
from pathlib import Path

import pytest
from tests.cookbook.conftest import CHOOSING, rows

from temper import recipes
from temper.cookbook import choosing
from temper.cookbook.card import card
from temper.cookbook.ledger import Row
from temper.cookbook.standing import standing
from temper.refusal import Refusal


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
        " test/accuracy 0.9200 ± 0.0141 (n = 2); 90 s on this CPU, one thread |",
        "| slow | Adam | `python train.py recipe=optimizer/quick` | [optimizer/quick](optimizer/quick.md):"
        " test/accuracy 0.9600 ± 0.0141 (n = 2); -0.0208 to +0.1008 against baseline/small: no difference that can be"
        " told from noise; 90 s on this CPU, one thread |",
        "| trembling | larger batches | `python train.py batch_size=256` | not measured yet |",
        "| diverging | a range test | `python scripts/find_learning_rate.py` | - |",
    ]
    better = [replace(row, seconds=None) for row in rows("optimizer/quick", 0.99, 0.991)]
    assert told(every[:2] + better)[-3].endswith(
        "(n = 2); -0.0552 to +0.1962 against baseline/small: no difference that can be told from noise |"
    )
    assert told(rows("optimizer/quick", 0.9))[-3].endswith(
        "test/accuracy 0.9000 (one seed); 90 s on this CPU, one thread |"
    )
    same = rows("baseline/small", 0.9, 0.9) + rows("optimizer/quick", 0.94, 0.94)
    assert "(n = 2); +0.0400, the same in every seed, against baseline/small; 90 s" in told(same)[-3]
    untimed = replace(rows("optimizer/quick", 0.9, 0.9)[1], seconds=None, device="a shared one")
    assert told([*rows("optimizer/quick", 0.9), untimed])[-3].endswith("(n = 2); 90 s on this CPU, one thread |")
    assert told([])[-3].endswith("[optimizer/quick](optimizer/quick.md): not measured yet |")


def test_the_best_mean_stands_first_where_that_is_asked(book: Path) -> None:
    words = choosing.SOURCE.read_text().replace("    rows:", "    best_first: true\n    rows:")
    choosing.SOURCE.write_text(words)
    for own, other, first in ((0.9, 0.95, "slow"), (0.95, 0.9, "digits")):
        order = [
            line.split(" | ")[0][2:] for line in told(rows("baseline/small", own) + rows("optimizer/quick", other))
        ]
        rest = "digits" if first == "slow" else "slow"
        assert order[-4:] == [first, rest, "trembling", "diverging"]
    order = [line.split(" | ")[0][2:] for line in told(rows("optimizer/quick", 0.1))]
    assert order[-4:] == ["slow", "digits", "trembling", "diverging"]


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


def test_what_is_about_the_readers_own_files_is_not_ours_to_measure(book: Path) -> None:
    words = choosing.SOURCE.read_text().replace("batch_size=256", "data.path=my_table.csv")
    choosing.SOURCE.write_text(words)
    assert "| trembling | larger batches | `python train.py data.path=my_table.csv` | - |" in told([])


def test_a_baseline_of_another_processor_is_told(book: Path) -> None:
    own = rows("optimizer/quick", 0.95, 0.97)
    before = [replace(row, device="another") for row in rows("baseline/small", 0.91, 0.93)]
    assert "against baseline/small, not all on one kind of processor" in told([*before, *own])[-3]
    assert "ran on the same kinds of processor" in card(standing("optimizer/quick", [*before, *own]))
    alike = [*rows("baseline/small", 0.91, 0.93), *own]
    assert "processor" not in told(alike)[-3] + card(standing("optimizer/quick", alike))
