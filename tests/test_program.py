"""The program as a process of its own: what is refused ends it soon, in a few lines, and leaves nothing behind."""

import resource
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
MOST_LINES = 8


def _ended(*words: str, folder: Path) -> tuple[subprocess.CompletedProcess[str], float]:
    """Return what a Python of its own has said, and the processor's seconds: a wall clock tells how busy it is."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([sys.executable, *words], cwd=folder, capture_output=True, text=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return done, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@cache
def _imports() -> float:
    """Return the seconds that torch and Lightning take to import, 5 or 10 by the machine."""
    return _ended("-c", "import lightning", folder=ROOT)[1]


@pytest.mark.parametrize(
    ("words", "imports"),  # what is typed, and how many times what torch and Lightning take it may take
    [(("optimizer=adm",), 0.5), (("optimizer.lr=-1",), 1.7), (("task=cifar_resnet", "data.root=/nowhere"), 1.7)],
)
def test_program_ends_soon_and_short(words: Sequence[str], imports: float, tmp_path: Path) -> None:
    done, spent = _ended(str(ROOT / "train.py"), *words, folder=tmp_path)
    assert done.returncode == 2
    assert len((done.stderr + done.stdout).splitlines()) <= MOST_LINES
    assert "Traceback" not in done.stderr
    assert spent < imports * _imports()
    assert not Path("/nowhere").exists()
    assert list(tmp_path.iterdir()) == [], "something of the refused run is left behind"
