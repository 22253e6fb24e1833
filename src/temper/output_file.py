"""Files that a command line names to be written: refused before any work where they cannot be, and after it too."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile

from temper.refusal import Refusal


def check_picture(option: str, path: Path, example: str | Path) -> None:
    """Refuse a ``path`` that is no .png, or that no file can be written to.

    Raises:
        Refusal: names ``option``, and the way out: ``example``, or another file.
    """
    if path.suffix != ".png":
        raise Refusal(f"{option} {path}: names no picture: for example {option} {example}")
    check_file(option, path)


def what_is_there(path: Path) -> Path:
    """Return ``path`` itself, or of its parents the nearest that exists."""
    whole = path.absolute()
    return next(each for each in (whole, *whole.parents) if os.path.exists(each))  # noqa: PTH110 - Path's may raise


def check_file(option: str, path: Path) -> None:
    """Refuse a ``path`` that no file can be written to; nothing is left of the trial.

    Raises:
        Refusal: names ``option``, and the way out.
    """
    whole, there = path.absolute(), what_is_there(path)
    with _refusing(option, path):
        if path.is_dir():
            raise Refusal(f"{option} {path}: is a folder: name a file in it")
        if there == whole:
            path.open("ab").close()
        else:
            TemporaryFile(dir=there).close()  # rights alone tell nothing of /proc, nor of what root may do


@contextmanager
def writing(option: str, path: Path) -> Iterator[None]:
    """Make the folder of ``path``, and refuse it where what follows cannot write there.

    Raises:
        Refusal: names ``option``, and the way out.
    """
    with _refusing(option, path):
        path.parent.mkdir(parents=True, exist_ok=True)
        yield


@contextmanager
def _refusing(option: str, path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as fault:
        raise Refusal(f"{option} {path}: cannot be written ({fault.strerror or fault}): name another file") from None
