"""Trials on this machine, one after the other or several at a time, each with its share of the cores and GPUs.

    cores of a trial = cores / jobs        threads of one operation, unless OMP_NUM_THREADS says otherwise
    GPUs of a trial  = gpus                its own; ``auto``: as many as come to each, shared where there are too few

Small networks leave most of a machine idle: two trials at a time on two cores end sooner than one after the other on
both.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path
from queue import SimpleQueue
from typing import Literal

from temper.forked import programs
from temper.quantity import Count, NonNegativeCount
from temper.strategy import Launcher, RunTrial, strategy
from temper.trainer.machine import cores, gpus

THREADS, VISIBLE = "OMP_NUM_THREADS", "CUDA_VISIBLE_DEVICES"


@strategy
class Local(Launcher):
    """``jobs`` trials at a time on this machine."""

    jobs: Count
    gpus: NonNegativeCount | Literal["auto"]

    @property
    def shows(self) -> bool:
        """Return whether a trial is alone, so that nothing is mixed up on the screen."""
        return self.jobs == 1

    @contextmanager
    def opened(self, folder: Path) -> Iterator[RunTrial]:
        """Yield what runs a trial; whoever calls it waits for it, after an interruption too.

        Raises:
            ValueError: this machine has not so many GPUs.
        """
        # Where a trial has several processes, these meet at a port of their own, and not all at the one that was named.
        known = {name: value for name, value in os.environ.items() if name != "MASTER_PORT" or self.jobs == 1}
        free: SimpleQueue[dict[str, str]] = SimpleQueue()
        for share in self.shares():
            free.put(share)

        with programs() as these:

            def run(command: Sequence[str], log: Path | None) -> int:
                share = free.get()
                try:
                    return these.call(command, log, known | share)
                finally:
                    free.put(share)

            yield run

    def shares(self) -> list[dict[str, str]]:
        """Return the environment variables of each of the trials that run at a time.

        Raises:
            ValueError: this machine has not so many GPUs.
        """
        threads = {} if self.jobs == 1 or THREADS in os.environ else {THREADS: str(max(1, cores() // self.jobs))}
        if self.jobs == 1 and self.gpus == "auto":
            return [threads]
        here = _visible()
        each = max(1, len(here) // self.jobs) if self.gpus == "auto" else self.gpus
        if self.gpus == "auto" and not here:
            return [threads] * self.jobs
        if self.gpus != "auto" and each * self.jobs > len(here):
            raise ValueError(
                f"launcher.gpus={each}: {self.jobs} trials at a time (launcher.jobs) need {each * self.jobs} GPUs, and"
                f" this machine has {len(here)} that torch can use: lower one of the two, or launcher.gpus=auto"
            )
        taken = [[here[(job * each + gpu) % len(here)] for gpu in range(each)] for job in range(self.jobs)]
        return [threads | {VISIBLE: ",".join(mine)} for mine in taken]


def _visible() -> list[str]:
    named = os.environ.get(VISIBLE)
    if named is None:
        return [str(gpu) for gpu in range(gpus())]
    return [each for each in takewhile(lambda each: each != "-1", named.split(",")) if each]  # -1 hides all behind it
