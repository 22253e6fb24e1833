"""Trials as jobs of a SLURM cluster, by submitit (https://github.com/facebookincubator/submitit).

    sbatch    one job a trial, of ``nodes`` × ``tasks`` processes with ``cpus`` cores each, ``gpus`` a node
    srun      starts the trial's processes: with several, trainer=ddp trainer.nodes=NODES trainer.devices=TASKS

A job that SLURM cuts off, at its time limit or for another's sake, is queued again and goes on in its trial's folder.
A sweep that is killed leaves its jobs in the queue; started again, it waits for those instead of submitting them twice.
The nodes share this folder and this environment, as the sweep reads each trial's report. What submitit keeps, scripts
and logs, lies in the sweep's ``slurm/``.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from threading import Event, Lock
from typing import Any

from temper.quantity import Count, NonNegativeCount, Positive
from temper.strategy import Launcher, RunTrial, strategy
from temper.trial import SlurmTrial

_PACKAGE = "launcher=slurm needs the package submitit: pip install 'temper[slurm]', or choose launcher=local"
_LOOKS = 15.0  # seconds between two looks into the queue
_LATER, _TRIES = 60.0, 10  # seconds until a job is submitted again, and how often, where SLURM only has no room for it
_NO_ROOM = ("timed out", "temporarily", "maxsubmit", "submit limit", "job limit")
_SUBMITTING = Lock()  # the environment is that of all threads


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
    memory: Positive | None
    setup: tuple[str, ...]
    options: Mapping[str, str | int | bool] | None

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
        over = Event()

        def run(command: Sequence[str], log: Path | None) -> int:
            kept = folder / "slurm" / f"{_name(command)}.job"
            try:
                job = self._submitted(submitit, executor, kept, SlurmTrial(command, log, self.cpus), over)
            except _refused(submitit) as fault:
                print(f"temper: SLURM did not take the job: {_told(fault)}", file=sys.stderr)
                return 1
            running[job.job_id] = job
            if over.is_set():  # the sweep was interrupted while this one was on its way
                job.cancel(check=False)
            try:
                return _status(job)
            finally:
                running.pop(job.job_id, None)
                kept.unlink(missing_ok=True)

        try:
            yield run
        finally:
            over.set()
            for job in list(running.values()):
                job.cancel(check=False)

    def objection(self, trainer: Mapping[str, Any]) -> str | None:
        """Return what the job itself would be refused by (`temper.preflight_machine`), but only after the queue."""
        count, devices, nodes = self.tasks * self.nodes, trainer.get("devices", 1), trainer.get("nodes", 1)
        each = len(devices) if isinstance(devices, list) else devices
        so_many = f"trainer.devices={self.tasks} trainer.nodes={self.nodes}"
        asked = f"launcher.tasks={self.tasks} launcher.nodes={self.nodes}: SLURM would start {count} processes, and the"
        if count > 1 and each == 1 and "nodes" not in trainer:
            return f"{asked} trainer is for one: choose trainer=ddp {so_many}, or set both to 1"
        each = self.tasks if each == "auto" else each  # as many as are started
        if nodes == self.nodes and (each == self.tasks or count == 1):  # one starts the others of its node
            return None
        way = so_many if "nodes" in trainer else f"trainer=ddp {so_many}"
        return f"{asked} trainer is for {each} on each of {nodes} nodes: set {way}, or ask for as many"

    def parameters(self) -> dict[str, Any]:
        """Return what sbatch is asked for, by submitit's names."""
        others = self.options or {}
        asked: dict[str, Any] = {
            "job_name": "temper",
            "partition": self.partition,
            "account": self.account,
            "time": self.minutes,
            "signal_delay_s": min(30, 15 * self.minutes),  # before the limit: submitit queues the job again
            "nodes": self.nodes,
            "ntasks_per_node": self.tasks,
            "cpus_per_task": self.cpus,
            "gpus_per_node": self.gpus or None,
            "mem": None if self.memory is None else f"{max(1, round(self.memory * 1024))}M",
            "setup": list(self.setup) or None,
            "srun_args": [f"--cpus-per-task={self.cpus}"],  # SLURM 22.05 to 23.02 leaves sbatch's to itself
            "additional_parameters": {key: value for key, value in others.items() if value is not False} or None,
            "stderr_to_stdout": True,
        }
        return {key: value for key, value in asked.items() if value is not None}

    def _submitted(self, submitit: Any, executor: Any, kept: Path, start: SlurmTrial, over: Event) -> Any:
        """Return the job that an earlier sweep has left in the queue for this trial, or a new one."""
        if kept.exists():
            left = json.loads(kept.read_text())
            if left["command"] == start.command and _queued(left["job"]):
                return submitit.SlurmJob(executor.folder, left["job"], tasks=list(range(self.nodes * self.tasks)))
        for tried in range(1, _TRIES + 1):
            try:
                # Within a job, sbatch would take that one's variables for wishes.
                inside = "SLURM_JOB_ID" in os.environ
                with _SUBMITTING, submitit.helpers.clean_env() if inside else nullcontext():
                    job = executor.submit(start)
                break
            except _refused(submitit) as fault:
                if tried == _TRIES or not _passes(fault):
                    raise
                print(f"temper: SLURM takes no more jobs now, asked again later: {_told(fault)}", file=sys.stderr)
                if over.wait(_LATER):
                    raise
        partial = kept.with_suffix(".partial")
        partial.write_text(json.dumps({"job": job.job_id, "command": start.command}))
        partial.replace(kept)
        return job


def _status(job: Any) -> int:
    """Return the exit status of the first process that failed, 0 where none did, 1 where the job has vanished."""
    looked = time.monotonic()
    while not _done(job):
        time.sleep(1.0)
        if time.monotonic() - looked > _LOOKS:
            looked = time.monotonic()
            if not _queued(job.job_id) and not _done(job):
                print(f"temper: SLURM has no job {job.job_id} any more, and it left no result", file=sys.stderr)
                return 1
    try:
        return next((int(status) for status in job.results() if status != 0), 0)
    except Exception as fault:  # submitit raises what the job raised, and kinds of its own where it left nothing
        print(f"temper: job {job.job_id}: {_told(fault)} ({job.paths.stdout})", file=sys.stderr)
        return 1


def _done(job: Any) -> bool:
    """Return whether each process has left its result; submitit itself would ask sacct, which not every cluster has."""
    there = {path.name for path in job.paths.folder.iterdir()}  # to list a folder that nodes share looks at it afresh
    return all(job.task(number).paths.result_pickle.name in there for number in range(job.num_tasks))


def _passes(fault: Exception) -> bool:
    """Return whether SLURM may take later what it did not take now."""
    return any(word in str(fault).lower() for word in _NO_ROOM)


def _told(fault: Exception) -> str:
    """Return the last line of ``fault`` that says something: what comes before it is a trace."""
    lines = [line.strip() for line in str(fault).splitlines() if line.strip()]
    return lines[-1] if lines else type(fault).__name__


def _queued(job_id: str) -> bool:
    """Return whether the job waits or runs; a controller that does not answer has not said that it is gone."""
    listed = subprocess.run(["squeue", "-h", "-j", job_id, "-o", "%T"], capture_output=True, text=True, check=False)
    if listed.returncode != 0:
        return "Invalid job id" not in listed.stderr
    return bool(listed.stdout.strip())


def _name(command: Sequence[str]) -> str:
    number = next(word for word in command if word.startswith("hydra.job.num="))
    return number.partition("=")[2]


def _refused(submitit: Any) -> tuple[type[Exception], ...]:
    return submitit.core.utils.FailedJobError, submitit.core.utils.FailedSubmissionError


def _submitit() -> Any:
    try:
        import submitit
    except ImportError:
        raise ValueError(_PACKAGE) from None
    return submitit
