"""What has started this process, and which of the run's processes it is, by the environment alone.

Torch is not imported here.
"""

import os

_TYPED_INTO = ("bash", "interactive")  # SLURM's names of jobs that are a shell: what is typed there, nobody multiplies


def started() -> int:
    """Return how many processes torchrun or SLURM has started for this run, over all nodes; 0 where neither has.

    A single task of SLURM's is a process like any other, which starts by itself those that it needs beside it.
    """
    if _by_torchrun():
        return int(os.environ.get("WORLD_SIZE", "1"))
    return _tasks() if by_slurm() else 0


def started_outside() -> bool:
    """Return whether torchrun or SLURM has started several processes of this run."""
    return started() > 1


def started_here() -> int | None:
    """Return how many of them run on this node; None where nothing says so."""
    if "LOCAL_WORLD_SIZE" in os.environ:  # set by torchrun
        return int(os.environ["LOCAL_WORLD_SIZE"])
    return _tasks() // int(os.environ.get("SLURM_NNODES", "1")) if by_slurm() else None


def by_slurm() -> bool:
    """Return whether SLURM has started several processes of this run."""
    return not _by_torchrun() and _tasks() > 1


def rank(local_processes: int = 1) -> int:
    """Return which of the run's processes this is, over all nodes: 0 if it is the first.

    Args:
        local_processes: of the run, on each node.
    """
    if "RANK" in os.environ:  # set by torchrun
        return int(os.environ["RANK"])
    if by_slurm():
        return int(os.environ["SLURM_PROCID"])
    # Set by Lightning for the processes that it starts, and by who starts a node's first process by hand.
    return int(os.environ.get("NODE_RANK", "0")) * local_processes + int(os.environ.get("LOCAL_RANK", "0"))


def _by_torchrun() -> bool:
    return "TORCHELASTIC_RUN_ID" in os.environ


def _tasks() -> int:
    if "SLURM_PROCID" not in os.environ or os.environ.get("SLURM_JOB_NAME") in _TYPED_INTO:
        return 1
    return int(os.environ.get("SLURM_NTASKS", "1"))
