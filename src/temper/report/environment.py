"""Where a run took place: what a measurement is to be held against."""

import importlib.metadata
import platform
import subprocess
from functools import cache
from pathlib import Path

import torch

from temper import bf16

# A measurement makes these grow, and is not changed by them: the ledgers, and the pages that are generated.
WRITTEN_OF_MEASUREMENTS = (":!recipes/*.csv", ":!recipes/*.md", ":!docs/record.md", ":!docs/record.png")


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that a run's numbers depend on, where they are installed."""
    found = {"python": platform.python_version()}
    for package in ("torch", "lightning", "torchvision", "hydra-core", "temper"):
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def device_name(device: torch.device | None = None) -> str:
    """Return what ``device`` is called by its maker; None: the GPU if there is one, else the CPU.

    After a CPU's name stand the instructions that torch has kernels for: makers give one name to several kinds, whose
    times lie a factor apart, and whose sums round in another order.
    """
    if device is None:
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{_cpu_name()} ({', '.join(_instructions())})" if device.type == "cpu" else device.type


@cache
def commit() -> str | None:
    """Return the commit of Temper's code, with ``+dirty`` where files differ from it; None without a checkout.

    It is looked up once: what is edited later is not what this process runs.
    """
    return _commit(Path(__file__).resolve().parents[3])


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.lower().startswith("model name"))
    return next(names, "") or platform.processor() or platform.machine()


def _instructions() -> list[str]:
    known = torch.backends.cpu.get_cpu_capability()
    return [known, "bf16"] if bf16.native() else [known]


def _commit(checkout: Path) -> str | None:
    def git(*words: str) -> str:
        command = ["git", "--no-optional-locks", "-C", str(checkout), *words]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()

    try:
        top, commit = git("rev-parse", "--show-toplevel", "HEAD").splitlines()
        if Path(top).resolve() != checkout.resolve():  # an installed copy inside somebody else's checkout
            return None
        status = git("status", "--porcelain", "--untracked-files=all", "--", ".", *WRITTEN_OF_MEASUREMENTS)
        return commit + ("+dirty" if status else "")
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
