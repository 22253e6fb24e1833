"""Trials on a Ray cluster, of this machine or of many (Moritz et al., 2018, arXiv:1712.05889; https://docs.ray.io).

Each trial is one Ray task that asks for ``cpus`` and ``gpus`` and starts a process of its own on the node where they
are free; Ray sets the GPUs apart. A trial trains on one node. The nodes share this folder and this environment, as the
sweep reads each trial's report.
"""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from temper.quantity import Count, NonNegative
from temper.strategy import Launcher, RunTrial, strategy

_PACKAGE = "launcher=ray needs the package ray: pip install 'temper[ray]', or choose launcher=local"


@strategy
class Ray(Launcher):
    """``jobs`` trials at a time, as far as the cluster has room for them."""

    jobs: Count
    cpus: Count
    gpus: NonNegative
    address: str | None

    @contextmanager
    def opened(self, folder: Path) -> Iterator[RunTrial]:
        """Yield what runs a trial; what still runs is stopped in the end.

        Raises:
            ValueError: there is no such cluster, or no node of it has so many CPUs and GPUs.
        """
        ray = _ray()
        _reached(self.address)
        try:
            # Without an address Ray looks at RAY_ADDRESS, and starts a cluster on this machine where there is none.
            ray.init(address=self.address, include_dashboard=False, log_to_driver=False, logging_level="WARNING")
        except (ConnectionError, ValueError, RuntimeError) as fault:
            raise ValueError(f"launcher.address={self.address}: {str(fault).splitlines()[0]}") from None
        try:
            self._check(ray)
            place = Path.cwd()
            task = ray.remote(num_cpus=self.cpus, num_gpus=self.gpus, max_retries=0)(_start)

            def run(command: Sequence[str], log: Path | None) -> int:
                try:
                    return int(ray.get(task.remote(list(command[1:]), place, log, self.cpus)))
                except ray.exceptions.RayError as fault:
                    print(f"temper: {str(fault).splitlines()[0]}", file=sys.stderr)
                    return 1

            yield run
        finally:
            ray.shutdown()

    def _check(self, ray: Any) -> None:
        """Refuse a trial that no node has room for: it would wait forever."""
        nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
        if any(node.get("CPU", 0) >= self.cpus and node.get("GPU", 0) >= self.gpus for node in nodes):
            return
        most = {kind: max(int(node.get(kind, 0)) for node in nodes) for kind in ("CPU", "GPU")}
        raise ValueError(
            f"launcher.cpus={self.cpus} launcher.gpus={self.gpus:g}: no node of the cluster has so many (at most"
            f" {most['CPU']} CPUs and {most['GPU']} GPUs): lower them"
        )


def _reached(address: str | None) -> None:
    """Refuse an address where nothing listens, for which Ray itself would wait for minutes and end the program.

    Raises:
        ValueError: says so.
    """
    host, _, port = (address or "").removeprefix("ray://").rpartition(":")
    if not host:
        return
    try:
        socket.create_connection((host, int(port)), timeout=10.0).close()
    except (OSError, ValueError, OverflowError) as fault:
        raise ValueError(
            f"launcher.address={address}: no Ray cluster answers there ({fault}): give the HOST:PORT that `ray start"
            " --head` has named, or null for a cluster of this machine's own"
        ) from None


def _ray() -> Any:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "1")  # a trial with gpus=0 sees none
    try:
        import ray
    except ImportError:
        raise ValueError(_PACKAGE) from None
    return ray


def _start(arguments: Sequence[str], place: Path, log: Path | None, cpus: int) -> int:
    """Run Python with ``arguments`` in the folder ``place``, on the node that Ray has chosen."""
    values = os.environ | {"OMP_NUM_THREADS": str(cpus)}
    with log.open("a") if log else nullcontext() as file:
        command = [sys.executable, *arguments]
        return subprocess.run(command, cwd=place, env=values, stdout=file, stderr=file, check=False).returncode
