"""Programs that begin with torch and Lightning imported, as forks of one process that has imported them.

A trial of a small network learns for a second or two, and importing takes several more. Of a sweep's trials only the
first waits for it: each is a process of its own still, forked from a server (Python's `multiprocessing.forkserver`)
that does nothing but import and fork, so that nothing of one trial reaches the next. Where there is a GPU, and on
other systems than Linux, a program is started as it always is: neither CUDA nor macOS's frameworks outlive a fork in
which they had been touched.
"""

import atexit
import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from multiprocessing.reduction import DupFd
from pathlib import Path
from threading import Event, Lock
from types import ModuleType
from typing import Any

import temper

INTERRUPTED = 130  # as shells have it
_YOUNG = 1.0  # seconds in which a program may have missed an interruption, and has nothing yet to lose by a second one
_DEAF = 0.1  # seconds after which a fork certainly no longer ignores interruptions, as the server does
_ONE = Lock()  # starting a process looks whether others have ended, and of each that can be read only once


class Programs:
    """The programs of one sweep: this process's own, with other words."""

    def __init__(self) -> None:
        self._over = Event()
        self._begun: dict[BaseProcess, float] = {}

    def call(self, command: Sequence[str], log: Path | None = None, values: Mapping[str, str] | None = None) -> int:
        """Run a program to its end and return its exit status.

        It is as if `subprocess.call` did, but that there is nothing to be read from stdin.

        Args:
            command: this Python, the program's file, and its words.
            log: where it prints to; None: where this process does.
            values: its environment variables, the same in each call, as libraries read some when they are imported;
                None: those of this process.
        """
        values = dict(os.environ if values is None else values)
        with log.open("a") if log else nullcontext() as file:
            if not _can_fork():
                return subprocess.call(command, env=values, stdout=file, stderr=file)
            prints_to = [_Passed(file.fileno() if file else descriptor) for descriptor in (1, 2)]
            context = multiprocessing.get_context("forkserver")
            context.set_forkserver_preload(["temper.fork_server"])
            process = context.Process(target=_begin, args=(list(command[1:]), prints_to, values))
            try:
                with _ONE, _as_server(values):
                    if self._over.is_set():
                        return INTERRUPTED
                    process.start()
                    self._begun[process] = time.monotonic()
            except (EOFError, OSError) as fault:
                if self._over.is_set():
                    return INTERRUPTED
                print(f"temper: the process that trials are forked from does not answer: {fault}", file=sys.stderr)
                return 1
        wait([process.sentinel])
        with _ONE:
            process.join()
            del self._begun[process]
        assert process.exitcode is not None
        return process.exitcode

    def interrupt(self) -> None:
        """Let nothing more begin, and tell what had only just begun of the interruption again: it may not know."""
        self._over.set()
        with _ONE:
            young = [each.pid for each, since in self._begun.items() if each.pid and time.monotonic() - since < _YOUNG]
        time.sleep(_DEAF)
        for pid in young:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGINT)


@contextmanager
def programs() -> Iterator[Programs]:
    """Yield what runs programs, until an interruption from the keyboard."""
    these = Programs()
    try:
        yield these
    except KeyboardInterrupt:
        these.interrupt()
        raise


def _can_fork() -> bool:
    if sys.platform != "linux" or None in (sys.stdin, sys.stdout, sys.stderr):  # other files would have their numbers
        return False
    return not any(Path("/dev").glob("nvidia[0-9]*")) and not Path("/dev/kfd").exists()


@contextmanager
def _as_server(values: Mapping[str, str]) -> Iterator[None]:
    """Let the server, which the first call starts, begin with the variables ``values``, and import what we import.

    Multiprocessing would also have each fork run this process's program once more before its own.
    """
    before, main = dict(os.environ), sys.modules["__main__"]
    os.environ.clear()
    os.environ.update(values, PYTHONSAFEPATH="1", PYTHONPATH=os.pathsep.join(sys.path))
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main
        os.environ.clear()
        os.environ.update(before)


class _Passed:
    """A file descriptor on its way to a fork of the server, where it is a number again."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    def __reduce__(self) -> Any:
        return _detached, (DupFd(self.descriptor),)


def _detached(passed: Any) -> int:
    return int(passed.detach())


def _begin(words: list[str], prints_to: list[int], values: Mapping[str, str]) -> None:
    """Run the program ``words[0]`` in this process as if Python had been started with it."""
    import torch  # is there already; who waits for programs does without it

    multiprocessing.set_start_method(None, force=True)  # else workers of data loaders would come from a server as well
    for number, descriptor in enumerate(prints_to, start=1):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.environ.clear()
    os.environ.update(values)
    if torch.accelerator.is_available():  # one that has no file by which `_can_fork` would know it
        os.execve(sys.executable, [sys.executable, *words], os.environ)
    temper.started, temper.fresh = time.monotonic(), False
    sys.argv = words
    try:
        runpy.run_path(words[0], run_name="__main__")
    except SystemExit:
        raise
    except BaseException as fault:
        sys.excepthook(type(fault), fault, fault.__traceback__)
        raise SystemExit(INTERRUPTED if isinstance(fault, KeyboardInterrupt) else 1) from None
    finally:
        atexit._run_exitfuncs()  # which multiprocessing leaves out
