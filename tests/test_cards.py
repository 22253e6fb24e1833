"""What people write in the cards: settings that there are, and differences that the figures bear out."""

import re
from typing import Any

import pytest
from tests.conftest import card_of

from temper import recipes
from temper.command import command_line
from temper.cookbook import ledger
from temper.cookbook.card import HAND_WRITTEN, by_hand
from temper.cookbook.standing import compose_recipe, standing
from temper.experiment import parse

NAMES = recipes.names()
ROWS = ledger.read(ledger.RESULTS)
UNTOLD = re.compile(
    r"\b[Nn]o (difference|gain)\b[^.]*\bcan be told\b|\b[Nn]ot told from\b|cannot tell it from the control"
)
TOLD = re.compile(r"seeds (only just )?tell from noise|\b([Aa]head of|[Ii]n front of|behind) the control\b")


def test_a_card_that_is_missing_is_told_with_the_way_out() -> None:
    with pytest.raises(AssertionError, match=r"recipes/no/such\.md is missing: run scripts/index_recipes\.py"):
        card_of("no/such")


@pytest.mark.parametrize("name", NAMES)
def test_says_what_to_change_and_names_settings_that_there_are(name: str) -> None:
    card, at_hand = card_of(name), f"between the markers of recipes/{name}.md"
    helps, apart, fails = [by_hand(card, title) for title in HAND_WRITTEN]
    if name.partition("/")[0] not in ("baseline", "example"):  # which are what others are held against
        assert fails, f"write 'If it fails' {at_hand}"
        assert helps or "Not measured yet" in card, f"it is measured: write 'When it helps' {at_hand}"
    for word in re.findall(r"`([^`]+)`", helps + apart + fails):
        if "=" in word:
            command_line.check([f"recipe={name}", *word.split()])
            if word not in apart:
                parse(compose_recipe(name, word.split()))
        elif "." in word:
            assert at(compose_recipe(name), word) is not None, word


@pytest.mark.parametrize("name", NAMES)
def test_what_it_says_of_a_difference_its_figures_say_too(name: str) -> None:
    helps = by_hand(card_of(name), "When it helps").replace("\n", " ")
    interval = standing(name, ROWS).interval
    if interval is not None:
        none, some = UNTOLD.search(helps), TOLD.search(helps)
        assert not none or interval[0] <= 0.0 <= interval[1], none
        assert not some or not interval[0] <= 0.0 <= interval[1], some


def at(values: Any, place: str) -> list[Any] | None:
    """Return the value at a place such as optimizer.lr, in a list; None: there is no such place."""
    for key in place.split("."):
        if not isinstance(values, dict) or key not in values:
            return None
        values = values[key]
    return [values]
