"""Write docs/combinations.md, which options do not go together and why, or check that it is up to date."""

import argparse
import sys
from collections.abc import Sequence


def main(arguments: Sequence[str]) -> int:
    """Write or check; return the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog="Every pair of options is put into a run, which is parsed and not trained: it takes half a minute.",
    )
    parser.add_argument("--check", action="store_true", help="write nothing; exit status 1 where it is out of date")
    asked = parser.parse_args(arguments)

    from temper.command import command_line
    from temper.cookbook import combinations

    command_line.prepare()
    text = combinations.page()
    if asked.check:
        if combinations.PAGE.exists() and combinations.PAGE.read_text(encoding="utf-8") == text:
            return 0
        again = "run python scripts/list_combinations.py"
        print(f"{combinations.PAGE.name}: is not what it would be written as: {again}", file=sys.stderr)
        return 1
    combinations.PAGE.write_text(text, encoding="utf-8")
    print(combinations.PAGE)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
