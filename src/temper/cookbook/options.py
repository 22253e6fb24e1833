"""What the command lines of the programs that measure recipes have in common."""

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable


def add_to(parser: ArgumentParser) -> None:
    """Give ``parser`` the words that say what machine there is, and how it is used."""
    several = "runs at a time (default: 1; several share the machine: no times are entered)"
    parser.add_argument("--jobs", type=at_least(1), default=1, metavar="J", help=several)
    own = "of each run (default: torch's own, over the jobs)"
    parser.add_argument("--threads", type=at_least(1), metavar="T", help=own)
    parser.add_argument("--root", metavar="DIR", help="data.root of a recipe whose data set has one")
    parser.add_argument("--untimed", action="store_true", help="others share the machine: enter no times")


def at_least(least: int) -> Callable[[str], int]:
    """Return what reads a whole number of a command line, and refuses one below ``least``."""

    def read(word: str) -> int:
        try:
            value = int(word)
        except ValueError:
            raise ArgumentTypeError(f"{word} is no whole number") from None
        if value < least:
            raise ArgumentTypeError(f"{word} is below {least}")
        return value

    return read


def threads(asked: Namespace) -> int:
    """Return the threads of each run."""
    import torch  # takes seconds: not before the command line was read

    return int(asked.threads or max(1, torch.get_num_threads() // asked.jobs))


def rooted(asked: Namespace) -> list[str]:
    """Return the word of a run's command line that names the data's place; none where it is not given."""
    return [f"data.root={asked.root}"] if asked.root else []
