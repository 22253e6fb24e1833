"""What this machine has: the GPUs and cores that a trainer may ask for."""

import ctypes
import os
import sys
from collections.abc import Mapping
from typing import Any, Literal

import torch
from lightning.fabric.plugins.environments.lightning import LightningEnvironment
from lightning.fabric.plugins.environments.slurm import SLURMEnvironment
from lightning.pytorch.strategies import DDPStrategy

from temper.trainer.started import by_slurm

# Of glibc's malloc.h: the most blocks that are mapped by themselves; how much may lie free at the heap's end (-1: any
# amount); by how much more than is asked for the heap grows.
_MMAP_MAX, _TRIM_THRESHOLD, _TOP_PAD = -4, -1, -2
_AHEAD = 64 * 2**20


def gpus() -> int:
    """Return how many GPUs torch can use here (CUDA or ROCm; Apple's counts as one)."""
    if torch.cuda.is_available():
        return torch.cuda.device_count()
    return 1 if torch.backends.mps.is_available() else 0


def on_cpu(machine: Mapping[str, Any]) -> bool:
    """Return whether Lightning's Trainer of the arguments ``machine`` computes on the CPU."""
    return machine["accelerator"] == "cpu" or (machine["accelerator"] == "auto" and not gpus())


def processes(machine: Mapping[str, Any]) -> int:
    """Return how many processes on each node Lightning's Trainer of the arguments ``machine`` is for."""
    devices = machine["devices"]
    return len(devices) if isinstance(devices, list) else int(devices)


def cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def set_threads(threads: int | Literal["auto"], local_processes: int) -> None:
    """Set the threads that one operation may use on the CPU.

    ``auto`` leaves torch's own choice to a process that is alone, and shares the run's cores out among several: those
    of OMP_NUM_THREADS where a launcher has set it, and else all. What SLURM has set apart for a process stays its own.
    """
    if threads != "auto":
        torch.set_num_threads(threads)
    elif "SLURM_CPUS_PER_TASK" in os.environ and by_slurm():
        torch.set_num_threads(int(os.environ["SLURM_CPUS_PER_TASK"]))
    elif local_processes > 1:
        named = os.environ.get("OMP_NUM_THREADS")
        if named == "1" and "TORCHELASTIC_RUN_ID" in os.environ:  # torchrun's, unasked
            named = None
        granted = int(named) if named and named.isdecimal() else cores()
        torch.set_num_threads(max(1, granted // local_processes))


def keep_freed_memory() -> None:
    """Let the C library keep what is freed, for the next step, instead of giving it back to the system.

    glibc maps every block above 32 MiB anew, and the system fills it with zeros page by page: of a convolution's output
    at a batch of 500, that takes longer than the convolution. Other C libraries are left as they are.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        for parameter, value in ((_MMAP_MAX, 0), (_TRIM_THRESHOLD, -1), (_TOP_PAD, _AHEAD)):
            mallopt(parameter, value)


def backend(on_gpu: bool) -> str | None:
    """Return what carries messages between processes: None for Lightning's choice, NCCL; gloo between CPUs."""
    return None if on_gpu else "gloo"


def environment() -> list[LightningEnvironment | SLURMEnvironment]:
    """Return the plugin of Lightning's Trainer by which processes find one another; none where Lightning knows best.

    Lightning would take every job of SLURM's for one whose processes SLURM has started; and it would keep checkpoints
    of its own when a job's time is over, in the midst of a step, and go on from these instead of the run's.
    """
    if "TORCHELASTIC_RUN_ID" in os.environ or "SLURM_NTASKS" not in os.environ:
        return []
    return [SLURMEnvironment(auto_requeue=False) if by_slurm() else LightningEnvironment()]


def data_parallel(on_gpu: bool, *, some_stop: bool = False) -> DDPStrategy:
    """Return Lightning's data-parallel strategy; with ``some_stop``, for parameters that have no gradient any more."""
    return DDPStrategy(
        process_group_backend=backend(on_gpu),
        find_unused_parameters=some_stop,
        gradient_as_bucket_view=True,
    )
