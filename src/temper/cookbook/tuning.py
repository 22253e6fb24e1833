"""A small search over one knob of a recipe, by validation: each value is a run, entered in recipes/tuning.csv.

A row's ``recipe`` column holds the recipe and the words that were tried beside it. The test set is not looked at when a
value is chosen.
"""

from collections.abc import Sequence
from statistics import fmean

from temper.cookbook import ledger
from temper.cookbook.standing import compose_recipe
from temper.cookbook.verification import Errand, fitting, missing
from temper.digest import digest
from temper.metric import better
from temper.recipes import RECIPES

TUNING = RECIPES / "tuning.csv"
FIRST_SEED = 100  # none that results.csv is measured on


def trials(
    recipe: str,
    knob: str,
    values: Sequence[str],
    *,
    also: Sequence[str],
    seeds: int,
    threads: int,
    machine: Sequence[str],
    rows: Sequence[ledger.Row],
) -> list[Errand]:
    """Return the runs that are missing in ``rows``: each of ``values`` for ``knob``, with the words ``also`` beside it.

    Raises:
        Refusal: no such recipe, or a value that it cannot have.
    """
    tried, seen = [[f"{knob}={value}", *also] for value in values], range(FIRST_SEED, FIRST_SEED + seeds)
    return [
        errand
        for words in tried
        for errand in missing(
            recipe,
            [*fitting(recipe, machine), *words],
            seen,
            threads=threads,
            rows=rows,
            place="tune",
            entered_as=f"{recipe} {' '.join(words)}",
        )
    ]


def found(
    recipe: str, knob: str, values: Sequence[str], also: Sequence[str], rows: Sequence[ledger.Row]
) -> list[tuple[str, int, float | None]]:
    """Return each value with its number of runs and the mean of what validation measured, best first."""
    table: list[tuple[str, int, float | None]] = []
    sign = 1.0
    for value in values:
        tried = [f"{knob}={value}", *also]
        name, today = f"{recipe} {' '.join(tried)}", digest(compose_recipe(recipe, tried))
        mine = [row for row in rows if (row.recipe, row.digest) == (name, today)]
        measured = [row.val for row in mine if row.val is not None]
        if mine:
            sign = 1.0 if better(f"val/{mine[0].metric}") == "max" else -1.0
        table.append((value, len(measured), fmean(measured) if measured else None))
    return sorted(table, key=lambda each: -sign * each[2] if each[2] is not None else float("inf"))
