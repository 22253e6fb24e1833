"""A run is its folder: who may use it, and what may differ when a run goes on in it."""

import fcntl
import os
import re
from collections.abc import Iterator, Mapping
from io import TextIOWrapper
from pathlib import Path
from threading import Event
from typing import Any

from temper import settings_file
from temper.digest import FETCHED, does_nothing, of_the_disk, placed
from temper.refusal import InUse, Refusal

# What belongs to the machine or to the reader, not to what is trained.
MAY_DIFFER = ("trainer", "logger", "checkpoint_seconds", "hydra", "expect")


_ASKS = 0.5  # seconds between two looks whether a folder is free


class Folder:
    """The folder of one run.

    Attributes:
        changed: keys that may differ, and do, from when the run was started.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.checkpoints = self.path / "checkpoints"
        self.changed: list[str] = []
        self.begun: bool | None = None  # whether a run was in it when it was looked at; None before
        self._lock: TextIOWrapper | None = None

    def check(self, config: Mapping[str, Any], key: str = "hydra.run.dir") -> None:
        """Look whether a run with these settings may use the folder; nothing is made.

        Args:
            config: the settings.
            key: by which another folder is named.

        Raises:
            Refusal: it belongs to a run with other settings.
        """
        known = self.path / "config.yaml"
        self.begun = known.exists()
        if self.begun:
            elsewhere = f"name another folder with {key}=FOLDER"
            try:
                before = settings_file.load(known)
            except (OSError, ValueError) as fault:
                raise Refusal(f"{known} cannot be read ({str(fault).splitlines()[0]}): {elsewhere}") from None
            if not isinstance(before, dict):
                raise Refusal(f"{known} holds no settings of a run: {elsewhere}")
            differing = list(_differing(placed({str(key): value for key, value in before.items()}), placed(config)))
            hard = [each for each in differing if not may_differ(each[0], config)]
            if hard:
                told = "; ".join(_both(*each) for each in hard[:6]) + " ..." * (len(hard) > 6)
                raise Refusal(
                    f"{self.path} holds a run with other settings: {told}: {elsewhere}, or give the"
                    " same settings to go on"
                )
            self.changed = [key for key, *_ in differing]

    def enter(self, config: Mapping[str, Any]) -> None:
        """Take the folder for this process and the settings of its run.

        Raises:
            Refusal: as `check` does; `InUse` where another live process has it.
        """
        known = self.path / "config.yaml"
        if self.begun is None:
            self.check(config)
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            lock = (self.path / ".lock").open("a+")
        except OSError as fault:
            raise Refusal(f"hydra.run.dir={self.path}: {fault.strerror}: name a folder to write into") from None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            owner = lock.read().strip() or "unknown"
            lock.close()
            raise InUse(f"{self.path} is in use by another process ({owner}): wait, or name another folder") from None
        except OSError as fault:
            lock.close()
            raise Refusal(
                f"{self.path}: this disk cannot lock files ({fault.strerror}): name a folder on another with"
                " hydra.run.dir=FOLDER"
            ) from None
        if known.exists() != self.begun:
            lock.close()
            raise InUse(f"{self.path} was taken by another process just now: give the command again, or another folder")
        lock.seek(0)
        lock.truncate()
        lock.write(str(os.getpid()))
        lock.flush()
        self._lock = lock  # held until this object goes
        if not known.exists():
            partial = known.with_suffix(".partial")
            # With whole paths: who looks at the run later may stand elsewhere.
            settings_file.save(placed(config), partial)
            partial.replace(known)

    def wait(self, over: Event) -> None:
        """Wait until no live process has the folder, or ``over``: one may have outlived whoever started it."""
        if not (self.path / ".lock").exists():
            return
        with (self.path / ".lock").open("a") as lock:
            while not over.is_set():
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    over.wait(_ASKS)
                except OSError:  # a disk that cannot lock: the run itself says so
                    return
                else:
                    return

    def leave(self) -> None:
        """Let others have the folder."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None


def folder_word(folder: Path, key: str = "hydra.run.dir") -> str:
    """Return the word of a command line that names a run's folder, or a sweep's, quoted as Hydra reads it."""
    plain = str(folder)
    if re.fullmatch(r"[\w./-]+", plain):
        return f"{key}={plain}"
    escaped = plain.replace("\\", "\\\\").replace('"', '\\"')
    return f'{key}="{escaped}"'


def differences(before: Any, now: Any) -> list[str]:
    """Return the dotted keys at which two configurations differ; what is missing is like what does nothing."""
    return [key for key, *_ in _differing(before, now)]


def _differing(before: Any, now: Any, key: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Yield each dotted key at which two configurations differ, and what they have there."""
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        for name in [*before, *(name for name in now if name not in before)]:
            inner = f"{key}.{name}".lstrip(".")
            if name in before and name in now:
                yield from _differing(before[name], now[name], inner)
            elif not does_nothing(before.get(name, now.get(name))):
                yield inner, before.get(name), now.get(name)
    elif before != now:
        yield key, before, now


def _both(key: str, before: Any, now: Any) -> str:
    return f"{key.removesuffix('._target_')}={_shown(now)} here, {_shown(before)} there"


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        return "given"
    text = "null" if value is None else str(value)
    return text.split(".")[-2] if text.startswith("temper.") else text  # a record's place says which option it is of


def may_differ(key: str, config: Mapping[str, Any]) -> bool:
    """Return whether ``key`` may have another value when a run of ``config`` goes on."""
    allowed = (*MAY_DIFFER, *(f"data.{knob}" for knob in (*of_the_disk(config.get("data", {})), FETCHED)))
    return any(key == each or key.startswith(f"{each}.") for each in allowed)
