"""A recipe without each of its parts: what is run, and the page and the picture that are made of it."""

from dataclasses import replace
from pathlib import Path

import pytest
from tests.cookbook.conftest import rows
from tests.scripts.conftest import load

from temper.cookbook import ablation, ablation_picture, ledger
from temper.cookbook.ledger import Row, append
from temper.refusal import Refusal


def without(words: str, *scores: float) -> list[Row]:
    """Return rows of the recipe with ``words``, each with its accuracy over views a hundredth higher."""
    plan = ablation.plan(ablation.SOURCE)
    (errand, *_) = (each for each in ablation.ablations(plan, 1, threads=1, machine=[], rows=[]) if words in each.words)
    return [replace(row, recipe=errand.entered_as or "", digest=errand.digest) for row in viewed(*scores)]


def viewed(*scores: float) -> list[Row]:
    made = rows("optimizer/quick", *scores)
    return [
        replace(row, figures={**row.figures, "test/accuracy_tta": row.figures["test/accuracy"] + 0.01}) for row in made
    ]


def test_runs_each_part_for_each_seed_once(book: Path) -> None:
    plan = ablation.plan(ablation.SOURCE)
    waiting = ablation.ablations(plan, 2, threads=3, machine=["data.root=x"], rows=without("optimizer=momentum", 0.9))
    assert [(each.words, each.seed) for each in waiting] == [
        (("optimizer.lr=0.01",), 0),
        (("optimizer=momentum",), 1),
        (("optimizer.lr=0.01",), 1),
    ]
    assert all(each.recipe == "optimizer/quick" and each.threads == 3 for each in waiting)


def test_the_page_tells_what_each_part_buys(book: Path) -> None:
    plan = ablation.plan(ablation.SOURCE)
    whole, less = viewed(0.90, 0.91, 0.92), without("optimizer=momentum", 0.80, 0.81, 0.82)
    lines = ablation.page(plan, ablation.measured(plan, whole, less)).splitlines()
    assert "How quick it is." in lines
    unmeasured = "It is not measured yet, neither whole nor without a part."
    assert unmeasured not in lines
    assert unmeasured in ablation.page(plan, ablation.measured(plan, [], [])).splitlines()
    assert "| nothing | - | 3 | 0.9200 ± 0.0100 | - | 0.9100 ± 0.0100 | 90 s |" in lines
    assert (
        "| Adam | momentum | 3 | 0.8200 ± 0.0100 | -0.1227 to -0.0773 | 0.8100 ± 0.0100 | 90 s |" in lines
    )  # 2.776 √(2 · 0.01²/3) on either side
    assert "| its rate | another | 0 | not measured yet | - | - | - |" in lines
    assert "python scripts/verify_recipe.py optimizer/quick --seeds 10" in lines
    assert any("record.png" in line for line in lines)


def test_a_difference_within_noise_is_called_so(book: Path) -> None:
    plan = ablation.plan(ablation.SOURCE)
    text = ablation.page(plan, ablation.measured(plan, viewed(0.9, 0.92), without("optimizer.lr=0.01", 0.91, 0.92)))
    assert "no difference that can be told from noise" in text


def test_a_difference_that_is_the_same_in_every_seed_is_called_so(book: Path) -> None:
    plan = ablation.plan(ablation.SOURCE)
    text = ablation.page(plan, ablation.measured(plan, viewed(0.9, 0.9), without("optimizer.lr=0.01", 0.89, 0.89)))
    assert "| -0.0100, the same in every seed |" in text


def test_rows_of_another_day_do_not_count(book: Path) -> None:
    plan = ablation.plan(ablation.SOURCE)
    stale = [replace(row, digest="0123") for row in without("optimizer=momentum", 0.8)]
    assert [len(each.rows) for each in ablation.measured(plan, viewed(0.9), stale)] == [1, 0, 0]
    assert ablation.outdated(plan, stale) == stale
    assert ablation.outdated(plan, without("optimizer=momentum", 0.8)) == []


def test_the_picture_is_of_what_was_timed(book: Path) -> None:
    plan = ablation.plan(ablation.SOURCE)
    untimed = [replace(row, seconds=None) for row in without("optimizer.lr=0.01", 0.7)]
    found = ablation.measured(plan, viewed(0.9, 0.91), [*without("optimizer=momentum", 0.8), *untimed])
    points = ablation.points(found)
    assert points == {"nothing": ([90.0, 90.0], pytest.approx([0.91, 0.92])), "Adam": ([90.0], pytest.approx([0.81]))}
    ablation_picture.draw(ablation.PICTURE, points)
    assert ablation.PICTURE.stat().st_size > 5000


@pytest.mark.parametrize("text", ["recipe: x\n", "recipe: x\nintroduction: y\nparts: [{name: z}]\n", "a: [\n"])
def test_refuses_a_source_that_says_too_little(book: Path, text: str) -> None:
    ablation.SOURCE.write_text(text)
    with pytest.raises(Refusal, match=r"record\.yaml: a recipe, an introduction and parts are wanted"):
        ablation.plan(ablation.SOURCE)


def test_the_program_writes_the_page_from_what_is_there(book: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for row in viewed(0.9, 0.91):
        append(row, ledger.RESULTS)
    for row in without("optimizer=momentum", 0.8, 0.81):
        append(row, ablation.ABLATION)
    assert load("ablate_recipe").main(["--seeds", "0"]) == 0
    assert "| Adam | momentum | 2 |" in ablation.PAGE.read_text()
    assert ablation.PICTURE.exists()
    assert "What each part buys" in capsys.readouterr().out


def test_every_part_of_ours_can_be_taken_out() -> None:
    plan = ablation.plan(ablation.SOURCE)
    waiting = ablation.ablations(plan, 1, threads=1, machine=[], rows=[])
    assert len({each.digest for each in waiting}) == len(plan.parts) >= 10
