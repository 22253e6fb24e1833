"""Trials on a Ray cluster, of this machine or of many (Moritz et al., 2018, arXiv:1712.05889; https://docs.ray.io).

Each trial is one Ray task that asks for ``cpus`` and ``gpus`` and starts a process of its own on the node where they
are free; Ray sets the GPUs apart. A trial trains on one node, and goes on on another one where that is lost. An
interrupted sweep stops its trials at once; they go on from their last checkpoints. The nodes share this folder and this
environment, as the sweep reads each trial's report; a variable that a node lacks is sent along.
"""

import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from pydantic import model_validator

from temper.quantity import Count, NonNegative
from temper.strategy import Launcher, RunTrial, strategy
from temper.trial import start_on_ray

_PACKAGE = "launcher=ray needs the package ray: pip install 'temper[ray]', or choose launcher=local"


@strategy
class Ray(Launcher):
    """``jobs`` trials at a time, as far as the cluster has room for them."""

    jobs: Count
    cpus: Count
    gpus: NonNegative
    address: str | None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.gpus > 1 and self.gpus % 1:
            raise ValueError(f"gpus={self.gpus:g}: a trial has a part of one GPU, or whole ones: gpus={self.gpus:.0f}")
        return self

    @contextmanager
    def opened(self, folder: Path) -> Iterator[RunTrial]:
        """Yield what runs a trial; what still runs is stopped in the end.

        Raises:
            ValueError: there is no such cluster, or no node of it has so many CPUs and GPUs.
        """
        ray = _ray()
        # Left to itself Ray would look for a cluster that runs here, or once ran and left its address behind.
        address = self.address or os.environ.get("RAY_ADDRESS") or "local"
        _reached(address)
        with _sigterm_kept():
            try:
                ray.init(address=address, include_dashboard=False, log_to_driver=False, logging_level="WARNING")
            except (ConnectionError, ValueError, RuntimeError) as fault:
                raise ValueError(f"launcher.address={address}: {_told(fault)}") from None
            try:
                yield self._run_on(ray)
            finally:
                ray.shutdown()

    def _run_on(self, ray: Any) -> RunTrial:
        """Return what runs a trial on the cluster that ``ray`` has joined."""
        self._check(ray)
        place, (sent, own) = Path.cwd(), self._values()
        # Tried again where a node is lost: the trial goes on in its folder.
        task = ray.remote(num_cpus=self.cpus, num_gpus=self.gpus, max_retries=3)(start_on_ray)

        def run(command: Sequence[str], log: Path | None) -> int:
            try:
                return int(ray.get(task.remote(list(command[1:]), log, place, sent, own)))
            except ray.exceptions.RayError as fault:
                print(f"temper: {_told(getattr(fault, 'cause', None) or fault)}", file=sys.stderr)
                return 1

        return run

    def _values(self) -> tuple[dict[str, str], dict[str, str]]:
        """Return the variables for a trial where its node has none of that name, and those for every trial."""
        own = {"OMP_NUM_THREADS": str(self.cpus)} | ({} if self.gpus else {"CUDA_VISIBLE_DEVICES": ""})
        return dict(os.environ), own

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


def _told(fault: BaseException) -> str:
    return next((line for line in str(fault).splitlines() if line.strip()), type(fault).__name__)


def _reached(address: str) -> None:
    """Refuse an address where nothing listens, for which Ray itself would wait for minutes and end the program.

    Raises:
        ValueError: says so.
    """
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host:
        return
    try:
        socket.create_connection((host, int(port)), timeout=10.0).close()
    except (OSError, ValueError, OverflowError) as fault:
        raise ValueError(
            f"launcher.address={address}: no Ray cluster answers there ({fault}): give the HOST:PORT that `ray start"
            " --head` has named, or null for a cluster of this machine's own"
        ) from None


@contextmanager
def _sigterm_kept() -> Iterator[None]:
    """Put back what answered SIGTERM before: Ray sets an answer of its own, by status 15, and leaves it behind."""
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        # In another thread Ray sets none; and one that was not set from Python cannot be set from here.
        if threading.current_thread() is threading.main_thread() and before is not None:
            signal.signal(signal.SIGTERM, before)


def _ray() -> Any:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # what a trial without a GPU sees, is ours to say
    try:
        import ray
    except ImportError:
        raise ValueError(_PACKAGE) from None
    return ray
