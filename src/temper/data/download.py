"""Fetch public archives: all of it or nothing, one process at a time, and no hanging where there is no network."""

import fcntl
import gzip
import hashlib
import os
import shutil
import sys
import tarfile
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from http import HTTPStatus
from http.client import HTTPException
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.request import Request, urlopen

from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

_ANSWER_SECONDS = 4.0  # name look-up, connection and first bytes
_SILENCE_SECONDS = 20.0  # of a line that has answered
_TRIES, _REST_SECONDS = 5, 1.0  # of one file, and between two of them


@contextmanager
def one_at_a_time(name: str) -> Iterator[None]:
    """Hold this machine's lock called ``name``: a second process of the same user waits."""
    lock = Path(tempfile.gettempdir()) / f"temper-{os.getuid()}-{name}.lock"
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def fetch_folder(url: str, md5: str, root: Path, folder: str) -> None:
    """Fetch the tar archive at ``url`` and move its ``folder`` into ``root``, which is made if need be.

    Raises:
        OSError: it did not come, came damaged, or cannot be stored; nothing is left behind.
    """
    with tempfile.TemporaryDirectory(prefix="temper-") as temporary:
        archive = Path(temporary) / "archive"
        _download(url, md5, archive)
        with _stored(root, folder) as beside, tarfile.open(archive) as packed:
            packed.extractall(beside, filter="data")


def fetch_unzipped(url: str, md5s: Mapping[str, str], root: Path, folder: str) -> None:
    """Fetch gzipped files beneath ``url``, MD5s by name, and store them unzipped in a new ``folder`` of ``root``.

    Raises:
        OSError: one did not come, came damaged, or cannot be stored; nothing is left behind.
    """
    with tempfile.TemporaryDirectory(prefix="temper-") as temporary:
        for name, md5 in md5s.items():
            _download(url + name, md5, Path(temporary) / name)
        with _stored(root, folder) as beside:
            (beside / folder).mkdir()
            for name in md5s:
                unzipped = beside / folder / Path(name).stem
                with gzip.open(Path(temporary) / name) as packed, unzipped.open("wb") as file:
                    shutil.copyfileobj(packed, file)


@contextmanager
def _stored(root: Path, folder: str) -> Iterator[Path]:
    """Yield an empty folder; the ``folder`` that the block makes in it is then moved into ``root``."""
    new = [folder for folder in (root, *root.parents) if not folder.exists()]
    try:
        root.mkdir(parents=True, exist_ok=True)
        # Unpacked beside its place, so that the move is one rename and no half of it is ever seen.
        with tempfile.TemporaryDirectory(prefix=".fetching-", dir=root) as beside:
            yield Path(beside)
            (Path(beside) / folder).rename(root / folder)
    except (OSError, EOFError, zlib.error, tarfile.TarError) as error:
        for made in new:
            with suppress(OSError):
                made.rmdir()
        raise OSError(f"it cannot be stored ({error})") from error


def _download(url: str, md5: str, archive: Path) -> None:
    """Fetch ``url`` into ``archive``; where the line broke off, go on from there."""
    came, total, broke = 0, None, ""
    with archive.open("wb") as file, _bar(url) as tell:
        for attempt in range(_TRIES):
            time.sleep(_REST_SECONDS if attempt else 0)
            try:
                with _opened(url, came) as response:
                    if came and getattr(response, "status", None) != HTTPStatus.PARTIAL_CONTENT:
                        came = file.seek(0)  # it begins anew
                        file.truncate()
                    total = (
                        came + int(response.headers["Content-Length"]) if "Content-Length" in response.headers else None
                    )
                    while block := response.read(1 << 18):
                        came += file.write(block)
                        tell(came, total)
                broke = "the line was closed"
            except (HTTPException, OSError) as error:
                if not came and isinstance(error, OSError):
                    raise
                broke = repr(error)
            if total is None or came >= total:
                break
    if came < (total or 1):
        raise OSError(f"{url} broke off after {came / 1e6:.1f} of {(total or 0) / 1e6:.1f} MB ({broke})")
    with archive.open("rb") as whole:
        if hashlib.file_digest(whole, partial(hashlib.md5, usedforsecurity=False)).hexdigest() != md5:
            raise OSError(f"what came from {url} is damaged: another checksum")


@contextmanager
def _bar(url: str) -> Iterator[Callable[[int, int | None], None]]:
    """Show on a terminal how much has come; yield what is told (bytes so far, bytes in all)."""
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, transient=True, disable=not sys.stdout.isatty()) as progress:
        task = progress.add_task(f"fetching {url.rpartition('/')[2]}", total=None)
        yield lambda came, total: progress.update(task, completed=came, total=total)


def _opened(url: str, begin: int) -> Any:
    """Return the response, from byte ``begin`` on, or give up: a name look-up knows no time-out, hence the thread."""
    outcome: list[Any] = []
    asked = Request(url, headers={"Range": f"bytes={begin}-"} if begin else {})

    def attempt() -> None:
        try:
            outcome.append(urlopen(asked, timeout=_SILENCE_SECONDS))
        except (OSError, HTTPException) as error:
            outcome.append(error)

    thread = Thread(target=attempt, daemon=True)
    thread.start()
    thread.join(_ANSWER_SECONDS)
    if not outcome:
        raise TimeoutError(f"{url} did not answer in {_ANSWER_SECONDS:g} s")
    if isinstance(outcome[0], BaseException):
        raise outcome[0]
    return outcome[0]
