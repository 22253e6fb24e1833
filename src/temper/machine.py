"""What this machine has: the GPUs and cores that a trainer may ask for."""

import os
from typing import Literal

import torch
from lightning.pytorch.strategies import DDPStrategy


def gpus() -> int:
    """Return how many GPUs torch can use here (CUDA or ROCm; Apple's counts as one)."""
    if torch.cuda.is_available():
        return torch.cuda.device_count()
    return 1 if torch.backends.mps.is_available() else 0


def cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def set_threads(threads: int | Literal["auto"], local_processes: int) -> None:
    """Set the threads that one operation may use on the CPU.

    ``auto`` leaves torch's own choice to a process that is alone, and shares the cores out among several.
    """
    if threads != "auto":
        torch.set_num_threads(threads)
    elif local_processes > 1:
        torch.set_num_threads(max(1, cores() // local_processes))


def data_parallel(on_gpu: bool) -> DDPStrategy:
    """Return Lightning's data-parallel strategy: NCCL between GPUs, gloo between processes on CPUs."""
    return DDPStrategy(
        process_group_backend=None if on_gpu else "gloo",
        find_unused_parameters=False,
        gradient_as_bucket_view=True,
    )
