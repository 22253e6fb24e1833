"""Trials on this machine, one after the other or several at a time, each with its share of the cores and GPUs.

    cores of a trial = cores / jobs        threads of one operation, unless OMP_NUM_THREADS says otherwise
    GPUs of a trial  = gpus                trials that run together share none; ``auto``: as many as come to each

Small networks leave most of a machine idle: two trials at a time on two cores end sooner than one after the other on
both.
"""

import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from queue import SimpleQueue
from typing import Literal

from temper.quantity import Count, NonNegativeCount
from temper.strategy import Launcher, RunTrial, strategy
from temper.trainer.machine import cores, gpus

THREADS, VISIBLE = "OMP_NUM_THREADS", "CUDA_VISIBLE_DEVICES"


@strategy
class Local(Launcher):
    """``jobs`` trials at a time on this machine."""

    jobs: Count
    gpus: NonNegativeCount | Literal["auto"]

    @contextmanager
    def opened(self, folder: Path) -> Iterator[RunTrial]:
        """Yield what runs a trial; what still runs is waited for in the end.

        Raises:
            ValueError: this machine has not so many GPUs.
        """
        free: SimpleQueue[dict[str, str]] = SimpleQueue()
        for share in self.shares():
            free.put(share)
        running: set[subprocess.Popen[bytes]] = set()

        def run(command: Sequence[str], log: Path | None) -> int:
            share = free.get()
            try:
                with log.open("a") if log else nullcontext() as file:
                    process = subprocess.Popen(command, env=os.environ | share, stdout=file, stderr=file)
                    running.add(process)
                    return process.wait()
            finally:
                free.put(share)

        try:
            yield run
        finally:
            for process in running:  # interrupted from the keyboard, they are as well, and save what they have
                process.wait()

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
    return [each for each in named.split(",") if each] if named is not None else [str(gpu) for gpu in range(gpus())]
