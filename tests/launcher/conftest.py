"""Commands that stand for trials: they write what they see of their machine, wait, and end as they are told."""

import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from temper.strategy import RunTrial

Commands = Callable[..., list[str]]
SEEN = ("OMP_NUM_THREADS", "CUDA_VISIBLE_DEVICES", "SLURM_PROCID", "RAY_RAYLET_PID")
SCRIPT = """
import json, os, sys, time
number, status, seconds = int(sys.argv[1].partition("=")[2]), int(sys.argv[2]), float(sys.argv[3])
begun = time.time()
time.sleep(seconds)
seen = {name: os.environ.get(name) for name in NAMES}
line = json.dumps({"number": number, "begun": begun, "ended": time.time(), "place": os.getcwd(), **seen})
print(line, flush=True)
sys.exit(status)
""".replace("NAMES", str(SEEN))


@pytest.fixture
def command(tmp_path: Path) -> Commands:
    """Return a function to the command of trial ``number``, which ends with ``status`` after so many seconds."""
    script = tmp_path / "trial.py"
    script.write_text(SCRIPT)

    def make(number: int, status: int = 0, seconds: float = 0.0) -> list[str]:
        return [sys.executable, str(script), f"hydra.job.num={number}", str(status), str(seconds)]

    return make


def run_all(run: RunTrial, commands: Sequence[list[str]], folder: Path, jobs: int) -> list[int]:
    """Run the commands, ``jobs`` at a time, each with a log of its own, and return their statuses."""
    with ThreadPoolExecutor(jobs) as pool:
        logs = [folder / f"{number}.log" for number in range(len(commands))]
        return list(pool.map(run, commands, logs))
