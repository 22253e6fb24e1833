"""The pages that are written from what was measured: what each is to hold, and what is out of date."""

from collections import Counter
from pathlib import Path

from temper import recipes
from temper.cookbook import ablation, choosing, ledger
from temper.cookbook.card import card, index
from temper.cookbook.standing import outdated, standing
from temper.recipes import ROOT


def pages(results: Path) -> dict[Path, str]:
    """Return the index, the page of choices, that of the record and every card as they are to be, by path."""
    rows = ledger.read(results)
    standings = [standing(name, rows) for name in recipes.names()]
    found = {}
    for stands in standings:
        path = recipes.RECIPES / f"{stands.recipe}.md"
        found[path] = card(stands, path.read_text(encoding="utf-8") if path.exists() else "")
    chosen = choosing.choosing(choosing.SOURCE, {stands.recipe: stands for stands in standings})
    plan = ablation.plan(ablation.SOURCE)
    record = ablation.page(plan, ablation.measured(plan, rows, ledger.read(ablation.ABLATION)))
    whole = {recipes.RECIPES / "README.md": index(standings), recipes.RECIPES / "CHOOSING.md": chosen}
    return {**whole, ablation.PAGE: record, **found}


def faults(results: Path) -> list[str]:
    """Return what is wrong with the pages and the rows, each with the way out."""
    again = "run python scripts/index_recipes.py"
    found = []
    wanted = pages(results)
    for path, text in wanted.items():
        if not path.exists():
            found.append(f"{_shown(path)}: is missing: {again}")
        elif path.read_text(encoding="utf-8") != text:
            found.append(f"{_shown(path)}: is not what it would be written as: {again}")
    for path in sorted(recipes.RECIPES.glob("*/**/*.md")):
        if path not in wanted:
            found.append(f"{_shown(path)}: has no recipe: delete it")
    stale = Counter((row.recipe, row.digest[:8]) for row in outdated(ledger.read(results)))
    for (name, digest), count in stale.items():
        if name in recipes.names():
            way = f"measure it anew and drop them: python scripts/verify_recipe.py {name} --prune"
        else:
            way = "the recipe is gone; drop them: python scripts/verify_recipe.py --prune --seeds 0"
        found.append(f"{_shown(results)}: {count} rows of {name} are of digest {digest}, not of today's: {way}")
    for row in ablation.outdated(ablation.plan(ablation.SOURCE), ledger.read(ablation.ABLATION)):
        found.append(f"{_shown(ablation.ABLATION)}: {row.recipe} seed {row.seed} is of no part of today's: delete it")
    return found


def _shown(path: Path) -> str:
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)
