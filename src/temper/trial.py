"""What starts a trial on a node of a cluster. It waits there for as long as the trial trains: torch is not imported."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

# What SLURM or torchrun has said of the processes that brought up a Ray cluster, or the sweep, is not of a trial.
_OTHERS = (
    "SLURM_", "TORCHELASTIC_", "RANK", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "WORLD_SIZE", "GROUP_RANK",
    "NODE_RANK", "MASTER_ADDR", "MASTER_PORT",
)  # fmt: skip


def start(command: Sequence[str], log: Path | None, values: Mapping[str, str], place: Path | None = None) -> int:
    """Run ``command`` in the folder ``place`` with the variables ``values``, and return its exit status."""
    with log.open("a") if log else nullcontext() as file:
        return subprocess.call(command, cwd=place, env=values, stdout=file, stderr=file)


def start_on_ray(
    arguments: Sequence[str], log: Path | None, place: Path, sent: Mapping[str, str], own: Mapping[str, str]
) -> int:
    """Run Python with ``arguments`` on the node that Ray has chosen.

    Args:
        arguments: of the trial.
        log: where it prints to.
        place: the folder to start in.
        sent: the sweep's variables, for those that the node lacks.
        own: the trial's variables.
    """
    known = {name: value for name, value in {**sent, **os.environ}.items() if not name.startswith(_OTHERS)}
    return start([sys.executable, *arguments], log, {**known, **own}, place)


class SlurmTrial:
    """What a job of SLURM's does: the trial's command, from the trial's last checkpoint where it had been cut off.

    Args:
        command: of the trial.
        log: where it prints to.
        cpus: of the process.
    """

    def __init__(self, command: Sequence[str], log: Path | None, cpus: int) -> None:
        self.command, self.log, self.cpus = list(command), log, cpus
        self._leaving = False

    def __call__(self) -> int:
        """Return the trial's exit status."""
        self._leaving = False  # what was queued again may have been told so before
        before = signal.signal(signal.SIGTERM, self._note)
        status = start(self.command, self.log, {"OMP_NUM_THREADS": str(self.cpus)} | os.environ)
        # SLURM takes the node back and has told the trial so: that is no result, and what comes next is SLURM's to say.
        while self._leaving and status != 0:
            signal.pause()
        signal.signal(signal.SIGTERM, before)
        return status

    def checkpoint(self) -> Any:
        """Return what submitit queues again: the same, as the trial's folder holds all that it needs."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self)

    def _note(self, *_: Any) -> None:
        self._leaving = True
