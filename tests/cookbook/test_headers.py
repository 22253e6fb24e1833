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
    tried = {row.recipe.split()[1]: row.val or 0.0 for row in ledger.read(TUNING) if row.recipe.split()[0] == recipe}
    said = " ".join(header(recipe).split())
    assert f"the best of {RATES[len(tried)]} on validation, each tried for 2 epochs on one seed" in said
    node = compose_recipe(recipe)
    key, _, rate = max(tried, key=lambda word: tried[word]).partition("=")
    for part in key.split("."):
        node = node[part]
    assert node == float(rate)


def test_no_rate_is_said_to_be_searched_that_was_not() -> None:
    said = [name for name in recipes.names() if "tuning.csv" in header(name)]
    assert set(said) <= {row.recipe.split()[0] for row in ledger.read(TUNING)}


def test_none_points_at_what_stands_only_on_its_card() -> None:
    assert [name for name in recipes.names() if "below." in header(name) or "below;" in header(name)] == []
