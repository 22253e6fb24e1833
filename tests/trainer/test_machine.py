"""What the machine has, and how its cores are shared out."""

import ctypes
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
import torch
from lightning.fabric.plugins.environments.lightning import LightningEnvironment
from lightning.fabric.plugins.environments.slurm import SLURMEnvironment

from temper.trainer import machine
from temper.trainer.machine import cores, data_parallel, environment, gpus, set_threads


@pytest.fixture(autouse=True)
def threads() -> Iterator[int]:
    before = torch.get_num_threads()
    yield before
    torch.set_num_threads(before)


def test_a_number_of_threads_is_set() -> None:
    set_threads(3, local_processes=2)
    assert torch.get_num_threads() == 3


def test_a_process_that_is_alone_keeps_torchs_choice(threads: int) -> None:
    set_threads("auto", local_processes=1)
    assert torch.get_num_threads() == threads


@pytest.mark.parametrize(("processes", "each"), [(2, 4), (3, 2), (8, 1), (20, 1)])
def test_cores_are_shared_out(monkeypatch: pytest.MonkeyPatch, processes: int, each: int) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(machine, "cores", lambda: 8)
    set_threads("auto", processes)
    assert torch.get_num_threads() == each


@pytest.mark.parametrize(
    ("variables", "each"),
    [
        ({"OMP_NUM_THREADS": "4"}, 2),  # a launcher's
        ({"OMP_NUM_THREADS": "1"}, 1),
        ({"OMP_NUM_THREADS": "4,2"}, 4),  # of nested regions
        ({"OMP_NUM_THREADS": "1", "TORCHELASTIC_RUN_ID": "x", "WORLD_SIZE": "2"}, 4),
        ({"OMP_NUM_THREADS": "6", "TORCHELASTIC_RUN_ID": "x", "WORLD_SIZE": "2"}, 3),
        ({"SLURM_CPUS_PER_TASK": "3", "SLURM_PROCID": "1", "SLURM_NTASKS": "2"}, 3),
        ({"SLURM_CPUS_PER_TASK": "3"}, 4),
    ],
)
def test_what_was_set_apart_is_shared_out(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], each: int
) -> None:
    monkeypatch.setattr(machine, "cores", lambda: 8)
    for name in ("OMP_NUM_THREADS", "TORCHELASTIC_RUN_ID", "WORLD_SIZE", *(n for n in os.environ if "SLURM" in n)):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    set_threads("auto", 2)
    assert torch.get_num_threads() == each


def test_counts_what_is_here(monkeypatch: pytest.MonkeyPatch) -> None:
    assert cores() >= 1
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    assert gpus() == 4


def test_processes_on_cpus_talk_by_gloo() -> None:
    assert data_parallel(on_gpu=False).process_group_backend == "gloo"
    assert data_parallel(on_gpu=True).process_group_backend is None


FAULTS = """
import resource, sys
import torch
from temper.trainer.machine import keep_freed_memory
if sys.argv[1] == "kept":
    keep_freed_memory()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    torch.zeros(2**25).add_(1)  # 128 MiB
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="this C library has no mallopt: nothing is kept")
def test_memory_that_is_kept_is_not_filled_with_zeros_again() -> None:
    given_back, kept = (
        int(subprocess.run([sys.executable, "-c", FAULTS, way], capture_output=True, text=True, check=True).stdout)
        for way in ("given_back", "kept")
    )
    assert kept < given_back / 2  # smaller blocks come in between: it takes two or three places until one fits


@pytest.mark.parametrize(
    ("variables", "made"),
    [
        ({}, []),
        ({"SLURM_PROCID": "0", "SLURM_NTASKS": "1"}, [LightningEnvironment]),
        ({"SLURM_PROCID": "0", "SLURM_NTASKS": "2"}, [SLURMEnvironment]),
        ({"SLURM_PROCID": "0", "SLURM_NTASKS": "2", "SLURM_JOB_NAME": "bash"}, [LightningEnvironment]),
        ({"SLURM_PROCID": "0", "SLURM_NTASKS": "2", "TORCHELASTIC_RUN_ID": "x"}, []),
    ],
)
def test_no_job_is_queued_again_by_lightning(
    variables: dict[str, str], made: list[type], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("TORCHELASTIC_RUN_ID", "SLURM_PROCID", "SLURM_NTASKS", "SLURM_JOB_NAME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("SLURM_NTASKS_PER_NODE", variables.get("SLURM_NTASKS", "1"))
    found = environment()
    assert [type(each) for each in found] == made
    assert not any(getattr(each, "auto_requeue", False) for each in found)
