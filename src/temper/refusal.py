"""How bad input is answered: one short message with the key, the bound or the nearest right name, and the way out."""

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from difflib import get_close_matches
from pathlib import Path


class Refusal(ValueError):
    """A fault of the user's input, found before any work was done.

    Attributes:
        status: with which the program ends.
    """

    status = 2


class InUse(Refusal):
    """What was asked for has another process at work: later it may go well."""

    status = os.EX_TEMPFAIL


def nearest(word: str, words: Iterable[str]) -> str:
    """Return a phrase that names the word of ``words`` nearest to ``word``, in any case, or all if none is near."""
    known = sorted(words)
    small = {name.lower(): name for name in known}
    close = [small[name] for name in get_close_matches(word.lower(), small, n=1, cutoff=0.5)]
    near = close or [name for name in known if name.endswith(f"/{word}")][:1]
    if near:
        return f"did you mean {near[0]}?"
    return f"there is {', '.join(known[:12])}{' ...' if len(known) > 12 else ''}"


@contextmanager
def refusing(folder: Path | None = None) -> Iterator[None]:
    """End the program with a ValueError's message alone: for the time before work begins, when it is the user's.

    ``folder``, which Hydra has made for the run, is taken away again if nothing is in it.
    """
    try:
        yield
    except ValueError as fault:
        print(f"temper: {fault}", file=sys.stderr)
        if folder is not None:
            with suppress(OSError):
                folder.rmdir()
                if folder.parent.name == "outputs":
                    folder.parent.rmdir()
        raise SystemExit(fault.status if isinstance(fault, Refusal) else Refusal.status) from None
