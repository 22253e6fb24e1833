"""Take each part of the record's recipe out in turn, enter each run in recipes/ablation.csv, write docs/record.md."""

import argparse
import sys
from collections.abc import Sequence

from rich.console import Console
from rich.markdown import Markdown

from temper.cookbook import options
from temper.refusal import refusing

EXPLANATION = """\
What is taken out, and by which words, stands in docs/record.yaml. Runs that ablation.csv holds for today's recipe are
not run again, and one that was cut off goes on where it was. The whole recipe is measured by verify_recipe.py.

  python scripts/ablate_recipe.py --seeds 3 --root data/
"""


def main(arguments: Sequence[str]) -> int:
    """Measure what is missing and write the page; return the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXPLANATION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--seeds", type=options.at_least(0), default=3, metavar="N", help="seeds 0 to N - 1 (default: 3)"
    )
    options.add_to(parser)
    asked = parser.parse_args(arguments)

    from temper.command import command_line
    from temper.cookbook import ablation, ablation_picture, ledger
    from temper.cookbook.verification import run_all

    console = Console()
    command_line.prepare()
    with refusing():
        plan = ablation.plan(ablation.SOURCE)
        waiting = ablation.ablations(
            plan,
            asked.seeds,
            threads=options.threads(asked),
            machine=options.rooted(asked),
            rows=ledger.read(ablation.ABLATION),
        )
    failures = run_all(waiting, asked.jobs, console, ablation.ABLATION, timed=not asked.untimed)
    found = ablation.measured(plan, ledger.read(ledger.RESULTS), ledger.read(ablation.ABLATION))
    text = ablation.page(plan, found)
    ablation.PAGE.write_text(text, encoding="utf-8")
    points = ablation.points(found)
    if len(points) > 1:
        ablation_picture.draw(ablation.PICTURE, points)
    console.print(Markdown(text))
    for failure in failures:
        print(failure, file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
