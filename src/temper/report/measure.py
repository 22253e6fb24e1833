"""What a network and a run cost, measured so that the network is afterwards what it was before.

A multiply-add is one multiplication and the addition that goes with it: half of what PyTorch's counter calls two FLOPs.
It is counted in matrix products and convolutions, where nearly all of the arithmetic of a network lies.
"""

import importlib
import resource
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from temper.network.layers import dtype_of
from temper.report.record import Complexity

POWERCAP = Path("/sys/class/powercap")
WARM_UP = (0.05, 20)  # seconds, and the most forward passes in them
TIMED = (0.25, 200)


@contextmanager
def _at_rest(network: nn.Module) -> Iterator[None]:
    """Hold ``network`` in eval mode and uncompiled, and give back its training flags and the random state."""
    flags = {module: module.training for module in network.modules()}
    network.eval()
    try:
        with torch.random.fork_rng(), torch.compiler.set_stance("force_eager"):
            yield
    finally:
        for module, flag in flags.items():
            module.training = flag


def _example(network: nn.Module, shape: tuple[int, ...]) -> Tensor:
    """Return one input (1, ``*shape``) of the network's type, on its device."""
    device = next((weight.device for weight in network.parameters()), torch.device("cpu"))
    return torch.zeros(1, *shape, dtype=dtype_of(network), device=device)


def multiply_adds(network: nn.Module, shape: tuple[int, ...]) -> tuple[int, int]:
    """Return the multiply-adds of one example shaped ``shape``: forward alone, and forward with backward.

    Weights, gradients, batch-norm statistics and training flags stay as they are.
    """
    wanted = [weight for weight in network.parameters() if weight.requires_grad]
    with _at_rest(network), torch.inference_mode(False), torch.enable_grad():
        with FlopCounterMode(display=False) as counter:
            prediction = network(_example(network, shape))
        forward = counter.get_total_flops() // 2
        if not wanted or not prediction.requires_grad:
            return forward, forward
        with FlopCounterMode(display=False) as counter:
            # Not backward(): that would add to the gradients that training holds.
            torch.autograd.grad(prediction.sum(), wanted, allow_unused=True)
    return forward, forward + counter.get_total_flops() // 2


def parameter_counts(network: nn.Module) -> tuple[int, int]:
    """Return the number of parameters, and of those that are not zero; a shared parameter counts once."""
    weights = list(network.parameters())
    return sum(weight.numel() for weight in weights), sum(int(torch.count_nonzero(weight)) for weight in weights)


def size_bytes(network: nn.Module) -> int:
    """Return the bytes of the tensors in the network's state dict."""
    return sum(value.numel() * value.element_size() for value in network.state_dict().values())


def complexity(network: nn.Module, shape: tuple[int, ...]) -> Complexity:
    """Return what is measured of ``network`` on one example shaped ``shape``."""
    counted, nonzero = parameter_counts(network)
    return Complexity(
        parameters=counted,
        nonzero_parameters=nonzero,
        multiply_adds=multiply_adds(network, shape)[0],
        bytes=size_bytes(network),
        latency_seconds=latency_seconds(network, shape),
    )


def latency_seconds(network: nn.Module, shape: tuple[int, ...]) -> float:
    """Return the median time in seconds of one example's forward pass, uncompiled, on the network's device.

    It warms up for 50 ms or 20 passes and measures for 250 ms or 200 passes, and makes at least two passes in all.
    """
    example = _example(network, shape)

    def passes(seconds: float, limit: int) -> list[float]:
        taken: list[float] = []
        end = time.perf_counter() + seconds
        while not taken or (time.perf_counter() < end and len(taken) < limit):
            start = time.perf_counter()
            network(example)
            synchronize(example.device)
            taken.append(time.perf_counter() - start)
        return taken

    with _at_rest(network), torch.inference_mode():
        passes(*WARM_UP)
        return statistics.median(passes(*TIMED))


def synchronize(device: torch.device) -> None:
    """Wait until ``device`` has done what it was asked to; a CPU always has."""
    if device.type != "cpu":
        torch.accelerator.synchronize(device)


def peak_memory_bytes(device: torch.device) -> int:
    """Return the most memory held so far: by tensors on a CUDA device, otherwise by this process as a whole."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


class EnergyMeter:
    """Joules since ``start``: the processor packages by RAPL, and the GPU's own counter where a GPU is used.

    A package's counter wraps after some minutes of full load; ``joules`` sees one wrap between two calls, so call it
    every few minutes. ``covers`` names what is metered. Where the device that trains has no readable counter, the
    energy is None rather than a part of the truth.
    """

    def __init__(self, device: torch.device, powercap: Path = POWERCAP) -> None:
        self.covers: tuple[str, ...] = ()
        self._device = device
        self._powercap = powercap
        self._packages: dict[Path, int] = {}
        self._gpu: tuple[Any, Any, int] | None = None
        self._spent = 0.0

    def start(self) -> None:
        """Begin to count at zero."""
        self._spent = 0.0
        self._packages = {}
        for zone in sorted(self._powercap.glob("intel-rapl:*")):  # AMD's packages go by this name too
            try:
                if (zone / "name").read_text().startswith("package"):
                    self._packages[zone] = _counter(zone / "energy_uj")
            except (OSError, ValueError):
                self._packages = {}
                break
        self._gpu = _nvidia(self._device) if self._device.type == "cuda" else None
        self.covers = (("processor packages",) if self._packages else ()) + (("GPU",) if self._gpu else ())

    def joules(self) -> float | None:
        """Return the energy since ``start``, of what ``covers`` names; None where it cannot be read."""
        if self._device.type not in ("cpu", "cuda") or (self._device.type == "cuda" and self._gpu is None):
            return None
        if not self.covers:
            return None
        try:
            for zone, before in self._packages.items():
                now = _counter(zone / "energy_uj")
                wrapped = _counter(zone / "max_energy_range_uj") if now < before else 0
                self._spent += (now - before + wrapped) / 1e6
                self._packages[zone] = now
        except (OSError, ValueError):
            return None
        if self._gpu is None:
            return self._spent
        nvml, handle, before = self._gpu
        return self._spent + (int(nvml.nvmlDeviceGetTotalEnergyConsumption(handle)) - before) / 1e3


def _counter(file: Path) -> int:
    return int(file.read_text())


def _nvidia(device: torch.device) -> tuple[Any, Any, int] | None:
    """Return NVIDIA's library, its handle of ``device`` and the millijoules on its counter; None if unreadable."""
    try:
        nvml = importlib.import_module("pynvml")
        nvml.nvmlInit()
        handle = nvml.nvmlDeviceGetHandleByUUID(f"GPU-{torch.cuda.get_device_properties(device).uuid}")
        return nvml, handle, int(nvml.nvmlDeviceGetTotalEnergyConsumption(handle))
    except Exception:  # no library, no driver or no such counter: NVML's own errors share no importable class
        return None
