"""Write recipes' cards, their README.md and CHOOSING.md, and docs/record.md, or check that they are up to date."""

import argparse
import sys
from collections.abc import Sequence


def main(arguments: Sequence[str]) -> int:
    """Write what has changed, or check; return the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog="Hand-written sections of cards, between their markers, are kept as they are; the words of CHOOSING.md"
        " and record.md stand in docs/choosing.yaml and record.yaml.",
    )
    parser.add_argument("--check", action="store_true", help="write nothing; exit status 1 where a file is out of date")
    asked = parser.parse_args(arguments)

    from temper.command import command_line
    from temper.cookbook import ledger
    from temper.cookbook.pages import faults, pages
    from temper.refusal import refusing

    command_line.prepare()
    with refusing():
        if asked.check:
            found = faults(ledger.RESULTS)
            for fault in found:
                print(fault, file=sys.stderr)
            return 1 if found else 0
        changed = [
            (path, text)
            for path, text in pages(ledger.RESULTS).items()
            if not path.exists() or path.read_text(encoding="utf-8") != text
        ]
        for path, text in changed:
            path.write_text(text, encoding="utf-8")
            print(path)
        if not changed:
            print("all is up to date")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
