"""Steps shortens a run, and nothing else."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from temper.debug.steps import Steps


def test_ends_the_run_after_its_steps(tmp_path: Path) -> None:
    debug = Steps(steps=3)
    assert (debug.shortened_to, debug.memorised, debug.callbacks(tmp_path)) == (3, None, [])


@pytest.mark.parametrize("bad", [0, -1, 2.5, True])
def test_refuses(bad: object) -> None:
    with pytest.raises(ValidationError, match="steps"):
        Steps(steps=bad)  # type: ignore[arg-type] # wrong on purpose
