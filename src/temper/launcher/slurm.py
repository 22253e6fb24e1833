"""Trials as jobs of a SLURM cluster, by submitit (https://github.com/facebookincubator/submitit).

    sbatch    one job a trial, of ``nodes`` × ``tasks`` processes with ``cpus`` cores each, ``gpus`` a node
    srun      starts the trial's processes: with several, trainer=ddp trainer.nodes=NODES trainer.devices=TASKS

A job that SLURM cuts off, at its time limit or for another's sake, is queued again and goes on in its trial's folder.
A sweep that is killed leaves its jobs in the queue; started again, it waits for those instead of submitting them twice.
The nodes share this folder and this environment, as the sweep reads each trial's report. What submitit keeps, scripts
and logs, lies in the sweep's ``slurm/``.
"""

import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from temper.quantity import Count, NonNegativeCount
from temper.strategy import Launcher, RunTrial, strategy

_PACKAGE = "launcher=slurm needs the package submitit: pip install 'temper[slurm]', or choose launcher=local"
_LOOKS = 15.0  # seconds between two looks into the queue


@strategy
class Slurm(Launcher):
    """At most ``jobs`` jobs in the queue at a time."""

    jobs: Count
    partition: str | None
    account: str | None
    minutes: Count
    nodes: Count
    tasks: Count
    cpus: Count
    gpus: NonNegativeCount
    memory: Annotated[float, Field(gt=0)] | None
    setup: tuple[str, ...]
    options: Mapping[str, str | int | bool]

    @contextmanager
    def opened(self, folder: Path) -> Iterator[RunTrial]:
        """Yield what runs a trial; its jobs are cancelled where the sweep is interrupted.

        Raises:
            ValueError: there is no SLURM here.
        """
        submitit = _submitit()
        try:
            executor = submitit.SlurmExecutor(folder / "slurm")
        except RuntimeError:
            raise ValueError(
                "launcher=slurm: there is no srun here: start the sweep on a node of the cluster that submits jobs, or"
                " choose launcher=local"
            ) from None
        executor.update_parameters(**self.parameters())
        running: dict[str, Any] = {}

        def run(command: Sequence[str], log: Path | None) -> int:
            kept = folder / "slurm" / f"{_name(command)}.job"
            job = self._submitted(submitit, executor, kept, _Start(list(command), log))
            running[job.job_id] = job
            try:
                return _status(job)
            finally:
                running.pop(job.job_id, None)
                kept.unlink(missing_ok=True)

        try:
            yield run
        finally:
            for job in list(running.values()):
                job.cancel()

    def parameters(self) -> dict[str, Any]:
        """Return what sbatch is asked for, by submitit's names."""
        asked: dict[str, Any] = {
            "job_name": "temper",
            "partition": self.partition,
            "account": self.account,
            "time": self.minutes,
            "nodes": self.nodes,
            "ntasks_per_node": self.tasks,
            "cpus_per_task": self.cpus,
            "gpus_per_node": self.gpus or None,
            "mem": None if self.memory is None else f"{round(self.memory * 1024)}M",
            "setup": list(self.setup) or None,
            "additional_parameters": dict(self.options) or None,
            "stderr_to_stdout": True,
        }
        return {key: value for key, value in asked.items() if value is not None}

    def _submitted(self, submitit: Any, executor: Any, kept: Path, start: "_Start") -> Any:
        """Return the job that an earlier sweep has left in the queue for this trial, or a new one."""
        if kept.exists():
            job_id = kept.read_text().strip()
            if _queued(job_id):
                return submitit.SlurmJob(executor.folder, job_id, tasks=list(range(self.nodes * self.tasks)))
        job = executor.submit(start)
        kept.write_text(job.job_id)
        return job


class _Start:
    """What a job does: the trial's command, again from the trial's last checkpoint where SLURM had cut it off."""

    def __init__(self, command: Sequence[str], log: Path | None) -> None:
        self.command, self.log = command, log

    def __call__(self) -> int:
        with self.log.open("a") if self.log else nullcontext() as file:
            return subprocess.run(self.command, stdout=file, stderr=file, check=False).returncode

    def checkpoint(self) -> Any:
        """Return what submitit queues again: the same, as the trial's folder holds all that it needs."""
        return _submitit().helpers.DelayedSubmission(self)


def _status(job: Any) -> int:
    """Return the exit status of the first process that failed, 0 where none did, 1 where the job has vanished."""
    looked = time.monotonic()
    while not job.done():
        time.sleep(1.0)
        if time.monotonic() - looked > _LOOKS:
            looked = time.monotonic()
            if not _queued(job.job_id) and not job.done(force_check=True):
                print(f"temper: SLURM has no job {job.job_id} any more, and it left no result", file=sys.stderr)
                return 1
    try:
        return next((int(status) for status in job.results() if status != 0), 0)
    except Exception as fault:  # submitit raises what the job raised, and kinds of its own where it left nothing
        print(f"temper: job {job.job_id}: {str(fault).splitlines()[0]}", file=sys.stderr)
        return 1


def _queued(job_id: str) -> bool:
    """Return whether the job waits or runs; a controller that does not answer has not said that it is gone."""
    listed = subprocess.run(["squeue", "-h", "-j", job_id, "-o", "%T"], capture_output=True, text=True, check=False)
    if listed.returncode != 0:
        return "Invalid job id" not in listed.stderr
    return bool(listed.stdout.strip())


def _name(command: Sequence[str]) -> str:
    number = next(word for word in command if word.startswith("hydra.job.num="))
    return number.partition("=")[2]


def _submitit() -> Any:
    try:
        import submitit
    except ImportError:
        raise ValueError(_PACKAGE) from None
    return submitit
