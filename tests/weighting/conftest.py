"""A run to be taught by."""

from collections.abc import Callable
from pathlib import Path

import pytest

from temper.command.job import Job
from temper.run import run


@pytest.fixture
def teacher(job_of: Callable[..., Job], tmp_path: Path) -> Path:
    """Return the folder of a short run on digits."""
    run(job_of("epochs=1", folder=tmp_path / "teacher"))
    return tmp_path / "teacher"
