"""How many processes run on this node, by what has started them."""

import pytest

from temper.trainer.started import by_slurm, started_here


@pytest.mark.parametrize(
    ("variables", "count", "slurm"),
    [
        ({}, None, False),
        ({"TORCHELASTIC_RUN_ID": "x", "LOCAL_WORLD_SIZE": "3", "WORLD_SIZE": "6"}, 3, False),
        ({"SLURM_PROCID": "1", "SLURM_NTASKS": "8", "SLURM_NNODES": "2"}, 4, True),
        ({"SLURM_PROCID": "0", "SLURM_NTASKS": "1"}, None, False),
    ],
)
def test_counts_what_was_started_on_this_node(
    variables: dict[str, str], count: int | None, slurm: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (
        "TORCHELASTIC_RUN_ID",
        "SLURM_PROCID",
        "SLURM_NTASKS",
        "SLURM_NNODES",
        "SLURM_JOB_NAME",
        "LOCAL_WORLD_SIZE",
    ):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert (started_here(), by_slurm()) == (count, slurm)
