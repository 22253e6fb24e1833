"""The pages that are written, and the check that none is out of date."""

from dataclasses import replace
from pathlib import Path

import pytest
from tests.cookbook.conftest import rows
from tests.scripts.conftest import load

from temper.cookbook import ablation, ledger, pages
from temper.cookbook.ledger import append, read
from temper.cookbook.standing import outdated


def test_check_finds_what_is_out_of_date(book: Path) -> None:
    results = book / "results.csv"
    assert len(pages.faults(results)) == 6  # three cards, the index, and the pages of choices and the record
    for path, text in pages.pages(results).items():
        path.write_text(text)
    assert pages.faults(results) == []
    append(rows("baseline/small", 0.9)[0], results)
    assert [fault.split(":")[0].removeprefix(f"{book}/") for fault in pages.faults(results)] == [
        "README.md",
        "CHOOSING.md",
        "baseline/small.md",
    ]
    for path, text in pages.pages(results).items():
        path.write_text(text)
    (book / "baseline" / "gone.md").write_text("")
    assert "gone.md: has no recipe: delete it" in pages.faults(results)[0]


def test_check_names_an_ablation_of_no_part(book: Path) -> None:
    append(replace(rows("optimizer/quick", 0.9)[0], recipe="optimizer/quick optimizer=sgd"), ablation.ABLATION)
    for path, text in pages.pages(book / "results.csv").items():
        path.write_text(text)
    (fault,) = pages.faults(book / "results.csv")
    assert "ablation.csv: optimizer/quick optimizer=sgd seed 0 is of no part of today's: delete it" in fault


def test_check_refuses_numbers_of_another_digest(book: Path) -> None:
    results = book / "results.csv"
    row = rows("baseline/small", 0.9)[0]
    for stale in (replace(row, digest="0123456789"), replace(row, seed=1, digest="0123456789")):
        append(stale, results)
    append(row, results)
    append(replace(row, recipe="baseline/gone"), results)
    for path, text in pages.pages(results).items():
        path.write_text(text)
    first, second = pages.faults(results)
    assert "2 rows of baseline/small are of digest 01234567, not of today's" in first
    assert "python scripts/verify_recipe.py baseline/small --prune" in first
    assert "1 rows of baseline/gone" in second
    assert "python scripts/verify_recipe.py --prune --seeds 0" in second
    assert len(outdated(read(results))) == 3
    assert load("verify_recipe").main(["baseline/small", "--prune", "--seeds", "0"]) == 0
    assert [each.recipe for each in outdated(read(results))] == ["baseline/gone"]
    assert load("verify_recipe").main(["--prune", "--seeds", "0"]) == 0
    assert read(results) == [row]


def test_index_recipes_writes_and_checks(book: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main = load("index_recipes").main
    assert main(["--check"]) == 1
    assert "README.md: is missing" in capsys.readouterr().err
    assert main([]) == 0
    assert main(["--check"]) == 0
    index = (book / "README.md").read_text()
    assert "[optimizer/quick](optimizer/quick.md)" in index
    assert "baseline/small: optimizer=adam, optimizer.lr=0.002" in index
    capsys.readouterr()
    (book / "README.md").write_text("")
    for told in (f"{book / 'README.md'}\n", "all is up to date\n"):  # what has changed, and nothing else
        assert main([]) == 0
        assert capsys.readouterr().out == told


def test_no_card_or_figure_of_ours_is_out_of_date() -> None:
    assert pages.faults(ledger.RESULTS) == []
