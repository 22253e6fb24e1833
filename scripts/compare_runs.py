"""Compare finished runs: one table over methods and their seeds, each held against a baseline."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from temper.refusal import refusing

EXPLANATION = """\
FOLDER is the folder of a run, or one with runs beneath it, as a sweep leaves it. Runs of one method (of one digest in
report.json: everything but the seed and the machine; and of one number of processes) are seeds of it; what differs is
told in words. Means are of the runs that finished: where some did not, the table says how many. A difference whose 95 %
interval contains 0 cannot be told from noise, and the table says so.

  python scripts/compare_runs.py multirun/mine
  python scripts/compare_runs.py outputs/a outputs/b outputs/c --baseline optimizer=sgd --format markdown
  python scripts/compare_runs.py multirun/mine --curves curves.png
  python scripts/compare_runs.py multirun/mine --metric test/worst_class --save table.csv --format csv --plot table.png
"""


def main(arguments: Sequence[str]) -> int:
    """Compare what the command line names; return the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXPLANATION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER", help="of a run, or of many")
    parser.add_argument(
        "--baseline",
        metavar="WHICH",
        help="a run's folder, a recipe, or 'optimizer=sgd epochs=5' (default: the first run)",
    )
    parser.add_argument(
        "--metric",
        metavar="NAME",
        help="such as test/f1, cost/joules, complexity/bytes (default: the main one on the test set)",
    )
    parser.add_argument("--format", choices=("text", "csv", "markdown"), default="text", help="(default: text)")
    parser.add_argument("--save", type=Path, metavar="FILE", help="write the table there too")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw the means with their intervals into a .png")
    parser.add_argument(
        "--curves", type=Path, metavar="FILE", help="draw each method's validation metric over steps into a .png"
    )
    asked = parser.parse_args(arguments)

    from temper import output_file
    from temper.comparison import methods, runs, table
    from temper.comparison.notes import notes

    with refusing():
        if asked.save is not None:
            output_file.check_file("--save", asked.save)
        for option, path in (("--plot", asked.plot), ("--curves", asked.curves)):
            if path is not None:
                output_file.check_picture(option, path, "comparison.png")
        found, left_out = runs.find(asked.folders)
        groups, repeated = methods.group(found)
        baseline = methods.find_baseline(asked.baseline, groups)
        methods.name_methods(groups, baseline)
        rows = table.rows(groups, baseline, asked.metric)
        if asked.curves is not None:
            from temper.comparison import curves  # matplotlib takes a second: only where it is wanted

            ordered = [row.method for row in rows]
            recorded = curves.read(ordered)
    for line in [*left_out, *repeated]:
        print(line, file=sys.stderr)
    console = Console()
    if not console.is_terminal:
        console.width = max(console.width, table.WIDTH)
    if asked.format == "text":
        with console.capture() as capture:
            table.text(rows, console)
        told = capture.get() + "".join(f"{note}\n" for note in notes(rows))
    elif asked.format == "markdown":
        told = table.as_markdown(rows, notes(rows))
    else:
        told = table.as_csv(rows)
        for note in notes(rows):  # no line of a table of numbers
            print(note, file=sys.stderr)
    print(told, end="")
    with refusing():
        if asked.save is not None:
            with output_file.writing("--save", asked.save):
                asked.save.write_text(told, encoding="utf-8")
        if asked.plot is not None:
            from temper.comparison import picture as means

            with output_file.writing("--plot", asked.plot):
                means.draw(asked.plot, rows)
        if asked.curves is not None:
            with output_file.writing("--curves", asked.curves):
                curves.draw(asked.curves, ordered, *recorded)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
