"""How a run's processes were started, and whether its trainer is for as many."""

from collections.abc import Callable

import pytest

from temper.command.job import Job
from temper.run import run
from temper.trainer.started import rank, started, started_outside

OF_PROCESSES = (
    "RANK",
    "LOCAL_RANK",
    "NODE_RANK",
    "SLURM_PROCID",
    "SLURM_NTASKS",
    "SLURM_NTASKS_PER_NODE",
    "SLURM_NNODES",
    "SLURM_JOB_NAME",
    "MASTER_ADDR",
    "TORCHELASTIC_RUN_ID",
    "WORLD_SIZE",
)


@pytest.mark.parametrize(
    ("variables", "number", "count"),
    [
        ({}, 0, 0),
        ({"SLURM_PROCID": "0", "SLURM_NTASKS": "1"}, 0, 0),
        ({"SLURM_PROCID": "3", "SLURM_NTASKS": "4"}, 3, 4),
        ({"SLURM_PROCID": "3", "SLURM_NTASKS": "4", "SLURM_JOB_NAME": "interactive"}, 0, 0),
        ({"SLURM_PROCID": "0", "SLURM_NTASKS": "1", "LOCAL_RANK": "1"}, 1, 0),  # Lightning's child in a job
        ({"LOCAL_RANK": "1", "NODE_RANK": "1"}, 3, 0),
        ({"NODE_RANK": "1"}, 2, 0),  # by hand, before Lightning has started the others of the node
        ({"RANK": "5", "LOCAL_RANK": "1", "TORCHELASTIC_RUN_ID": "none", "WORLD_SIZE": "6"}, 5, 6),
        ({"RANK": "1", "TORCHELASTIC_RUN_ID": "x", "WORLD_SIZE": "2", "SLURM_PROCID": "0", "SLURM_NTASKS": "4"}, 1, 2),
    ],
)
def test_which_process_this_is(
    variables: dict[str, str], number: int, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in OF_PROCESSES:
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert (rank(2), started(), started_outside()) == (number, count, count > 1)


@pytest.mark.parametrize(
    ("variables", "words", "said"),
    [
        ({"TORCHELASTIC_RUN_ID": "none", "WORLD_SIZE": "2"}, ("trainer=cpu",), "choose trainer=ddp"),
        ({"SLURM_PROCID": "0", "SLURM_NTASKS": "2"}, ("trainer=cpu",), "SLURM has started 2 processes"),
        (
            {"TORCHELASTIC_RUN_ID": "none", "WORLD_SIZE": "2"},
            ("trainer=ddp", "trainer.devices=3"),
            "torchrun has started 2 processes, and the trainer is for 3 on each of 1 nodes",
        ),
        ({"SLURM_PROCID": "0", "SLURM_NTASKS": "4"}, ("trainer=ddp", "trainer.devices=2"), "SLURM has started 4"),
        (
            {"SLURM_PROCID": "0", "SLURM_NTASKS": "4", "SLURM_NNODES": "2"},
            ("trainer=ddp", "trainer.devices=4"),
            "trainer.nodes=1: SLURM has spread the processes over 2",
        ),
        ({"SLURM_PROCID": "0", "SLURM_NTASKS": "2"}, ("trainer=ddp",), "ask by --ntasks-per-node, not --ntasks"),
        ({}, ("trainer=ddp", "trainer.devices=1", "trainer.nodes=2"), "trainer.nodes=2: the processes of several"),
        ({"SLURM_PROCID": "0", "SLURM_NTASKS": "1"}, ("trainer=ddp", "trainer.nodes=2"), "nothing says that these"),
    ],
)
def test_processes_and_the_trainer_agree(
    variables: dict[str, str],
    words: tuple[str, ...],
    said: str,
    job_of: Callable[..., Job],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in OF_PROCESSES:
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    job = job_of(*words)
    with pytest.raises(SystemExit):
        run(job)
    assert said in " ".join(capsys.readouterr().err.split())
    assert not job.folder.exists()
