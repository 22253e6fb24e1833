"""Try a few values of one knob of a recipe and say which one validation likes best; the recipe is not changed."""

import argparse
import sys
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from temper.cookbook import options
from temper.refusal import refusing

EXPLANATION = """\
Every run is entered in recipes/tuning.csv; those that it holds for today's recipe are not run again. Where the best
value lies at the edge of those tried, try one beyond it.

  python scripts/tune_recipe.py optimizer/cifar10_adam optimizer.lr=0.003,0.01,0.03 epochs=2 --root data/
"""


def main(arguments: Sequence[str]) -> int:
    """Measure what the command line names; return the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXPLANATION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("recipe", metavar="RECIPE")
    parser.add_argument("knob", metavar="KNOB=VALUE,VALUE...", help="what is tried, one run for each value and seed")
    parser.add_argument("words", nargs="*", metavar="KEY=VALUE", help="settings of every run, such as epochs=2")
    parser.add_argument(
        "--seeds", type=options.at_least(1), default=1, metavar="N", help="runs of each value (default: 1)"
    )
    options.add_to(parser)
    asked = parser.parse_intermixed_args(arguments)
    knob, sign, values = asked.knob.partition("=")
    if not sign or not values:
        parser.error(f"{asked.knob}: a knob and its values are wanted, such as optimizer.lr=0.01,0.03")

    from temper.command import command_line
    from temper.cookbook import ledger, tuning
    from temper.cookbook.verification import run_all
    from temper.report.units import in_score

    console = Console()
    command_line.prepare()
    with refusing():
        waiting = tuning.trials(
            asked.recipe,
            knob,
            values.split(","),
            also=asked.words,
            seeds=asked.seeds,
            threads=options.threads(asked),
            machine=options.rooted(asked),
            rows=ledger.read(tuning.TUNING),
        )
    failures = run_all(waiting, asked.jobs, console, tuning.TUNING, timed=not asked.untimed, told="val")
    table = Table(knob, "runs", "validation", title=f"{asked.recipe} {' '.join(asked.words)}", title_justify="left")
    for value, count, mean in tuning.found(
        asked.recipe, knob, values.split(","), asked.words, ledger.read(tuning.TUNING)
    ):
        table.add_row(value, str(count), "-" if mean is None else in_score(mean))
    console.print(table)
    for failure in failures:
        print(failure, file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
