"""Measure recipes over several seeds, enter each in recipes/results.csv, and say whether their promises hold."""

import argparse
import sys
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from temper.cookbook import options
from temper.refusal import refusing

EXPLANATION = """\
Seeds that results.csv holds for today's recipe are not run again, and one that was cut off goes on where it was.
Exit status 1: a run failed, or a recipe's mean breaks its promise.

  python scripts/verify_recipe.py baseline/digits_mlp --seeds 3
  python scripts/verify_recipe.py baseline/cifar10_resnet20 --root data/ trainer=gpu
  python scripts/verify_recipe.py --prune --seeds 0       drop every row that is not about today's recipe
"""


def main(arguments: Sequence[str]) -> int:
    """Measure what the command line names; return the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXPLANATION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("words", nargs="*", metavar="RECIPE|KEY=VALUE", help="recipes; settings of the machine")
    parser.add_argument(
        "--seeds", type=options.at_least(0), default=3, metavar="N", help="seeds 0 to N - 1 (default: 3)"
    )
    options.add_to(parser)
    parser.add_argument("--prune", action="store_true", help="first drop outdated rows of these recipes (none: of all)")
    asked = parser.parse_intermixed_args(arguments)
    names = list(dict.fromkeys(word for word in asked.words if "=" not in word))
    if not names and not asked.prune:
        parser.error("name a recipe, such as baseline/digits_mlp")

    from temper.command import command_line
    from temper.cookbook import ledger
    from temper.cookbook.standing import outdated
    from temper.cookbook.verification import errands, judged, run_all

    console = Console()
    command_line.prepare()
    words = [word for word in asked.words if "=" in word] + options.rooted(asked)
    with refusing():
        rows = ledger.read(ledger.RESULTS)
        waiting = errands(names, asked.seeds, options.threads(asked), words, rows)
        if asked.prune:
            stale = {row.key for row in outdated(rows) if not names or row.recipe in names}
            console.print(f"dropped {ledger.prune(lambda row: row.key in stale, ledger.RESULTS)} outdated rows")
    failures = run_all(waiting, asked.jobs, console, ledger.RESULTS, timed=not asked.untimed)
    broken = []
    if names:
        title = "mean ± standard deviation; 95 % interval of the difference (Welch) to the baseline"
        table = Table(title=title, title_justify="left")
        for column in ("recipe", "seeds", "metric", "mean", "training", "difference", "promise"):
            table.add_column(column, overflow="fold")
        for cells, fault in judged(names, ledger.RESULTS):
            table.add_row(*cells)
            broken += [fault] if fault else []
        console.print(table)
    for failure in failures:
        print(failure, file=sys.stderr)
    for fault in broken:
        print(fault, file=sys.stderr)
    return 1 if failures or broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
