"""What a recipe's first lines say stands alone, and is what was done."""

import pytest

from temper import recipes
from temper.cookbook import ledger
from temper.cookbook.card import header
from temper.cookbook.standing import compose_recipe
from temper.cookbook.tuning import TUNING

RATES = {3: "three", 4: "four", 5: "five"}
SEARCHED = sorted({row.recipe.split()[0] for row in ledger.read(TUNING) if "lr=" in row.recipe})


@pytest.mark.parametrize("recipe", SEARCHED)
def test_a_rate_that_was_searched_is_the_best_of_as_many_as_are_said(recipe: str) -> None:
    rows = [row for row in ledger.read(TUNING) if row.recipe.split()[0] == recipe]
    tried = {row.recipe.split()[1]: row.val or 0.0 for row in rows}
    (shorter,) = {" ".join(row.recipe.split()[2:]) for row in rows}  # than the recipe, or as long
    length = f"for {shorter.removeprefix('epochs=')} epochs " if shorter else ""
    said = " ".join(header(recipe).split())
    assert f"the best of {RATES[len(tried)]} on validation, each tried {length}on one seed" in said
    node = compose_recipe(recipe)
    key = next(iter(tried)).partition("=")[0]
    for part in key.split("."):
        node = node[part]
    assert node in [float(word.partition("=")[2]) for word, score in tried.items() if score == max(tried.values())]


def test_no_rate_is_said_to_be_searched_that_was_not() -> None:
    said = [name for name in recipes.names() if "tuning.csv" in header(name)]
    assert set(said) <= {row.recipe.split()[0] for row in ledger.read(TUNING)}


def test_none_points_at_what_stands_only_on_its_card() -> None:
    assert [name for name in recipes.names() if "below." in header(name) or "below;" in header(name)] == []
