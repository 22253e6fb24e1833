"""Measurements against sums done by hand, and the network that they must leave alone."""

import copy
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from temper.report import measure
from temper.report.measure import (
    TIMED,
    WARM_UP,
    EnergyMeter,
    latency_seconds,
    multiply_adds,
    parameter_counts,
    peak_memory_bytes,
    size_bytes,
)

CPU = torch.device("cpu")


@pytest.fixture
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measure as runs do, not as runs of tests do."""
    monkeypatch.setattr(measure, "WARM_UP", WARM_UP)  # as they were before any test
    monkeypatch.setattr(measure, "TIMED", TIMED)


def convolutional() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1, bias=False),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(4, 10),
    )


FORWARD = 8 * 8 * 4 * 3 * 9 + 4 * 10  # each output pixel takes channels x 3 x 3; then the linear layer
BACKWARD = 8 * 8 * 4 * 3 * 9 + 2 * 4 * 10  # by weights everywhere; by inputs too, save for the image


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("memory", [torch.contiguous_format, torch.channels_last])
def test_counts_the_multiply_adds_of_a_small_network(dtype: torch.dtype, memory: torch.memory_format) -> None:
    network = convolutional().to(dtype).to(memory_format=memory)
    assert multiply_adds(network, (3, 8, 8)) == (FORWARD, FORWARD + BACKWARD)


@settings(deadline=None, max_examples=10)
@given(widths=st.lists(st.integers(1, 9), min_size=2, max_size=4))
def test_a_linear_layer_takes_inputs_times_outputs(widths: list[int]) -> None:
    network = nn.Sequential(*(nn.Linear(a, b) for a, b in pairwise(widths)))
    each = [a * b for a, b in pairwise(widths)]
    assert multiply_adds(network, (widths[0],)) == (sum(each), 3 * sum(each) - each[0])


def test_a_frozen_network_has_no_backward_pass() -> None:
    assert multiply_adds(convolutional().requires_grad_(False), (3, 8, 8)) == (FORWARD, FORWARD)


def test_the_network_stays_as_it_was() -> None:
    network = convolutional()
    network(torch.rand(4, 3, 8, 8)).square().sum().backward()
    network[1].eval()  # a frozen norm in a network that trains
    network.append(nn.BatchNorm1d(10))  # and one that would refuse a batch of one example
    before = copy.deepcopy(network)
    gradients = [weight.grad.clone() for weight in network.parameters() if weight.grad is not None]
    random = torch.get_rng_state()
    multiply_adds(network, (3, 8, 8))
    latency_seconds(network, (3, 8, 8))
    assert torch.equal(random, torch.get_rng_state())
    assert [module.training for module in network.modules()] == [module.training for module in before.modules()]
    for name, value in before.state_dict().items():
        assert torch.equal(value, network.state_dict()[name])
    for weight, gradient in zip(network[:-1].parameters(), gradients, strict=True):
        assert weight.grad is not None
        assert torch.equal(weight.grad, gradient)


def test_it_can_be_asked_for_within_inference_mode() -> None:
    network = convolutional()
    with torch.inference_mode():
        assert multiply_adds(network, (3, 8, 8)) == (FORWARD, FORWARD + BACKWARD)


def test_a_network_that_raises_gets_its_flags_back() -> None:
    network = convolutional()
    with pytest.raises(RuntimeError):
        multiply_adds(network, (5, 8, 8))
    assert all(module.training for module in network.modules())


def test_counts_parameters_and_those_that_are_not_zero() -> None:
    network = nn.Linear(3, 2)
    with torch.no_grad():
        network.weight.copy_(torch.tensor([[1.0, 0.0, 2.0], [0.0, 0.0, -0.0]]))
        network.bias.fill_(1.0)
    assert parameter_counts(network) == (8, 4)


def test_bytes_are_those_of_the_state_dict() -> None:
    network = nn.Sequential(nn.Linear(3, 2, dtype=torch.float64), nn.BatchNorm1d(2))
    assert size_bytes(network) == 8 * 8 + (2 + 2 + 2 + 2) * 4 + 8  # the norm counts its batches in an int64


class Timed(nn.Module):
    """Takes the next of ``durations`` by a clock of its own for each pass."""

    def __init__(self, durations: Iterable[float], patched: pytest.MonkeyPatch) -> None:
        super().__init__()
        self.now, self.durations = 0.0, iter(durations)
        patched.setattr("time.perf_counter", lambda: self.now)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.now += next(self.durations)
        return x


@pytest.mark.parametrize(
    ("durations", "median"),
    [
        ([0.001] * 20 + [0.01, 0.03, 0.02] + [0.5], 0.025),  # after 20 passes, until a quarter of a second is over
        ([0.03] * 2 + [0.06, 0.1, 0.05, 0.07], 0.065),  # or after 50 ms
        ([0.001] * 220, 0.001),  # two hundred passes at most
        ([1.0, 2.0], 2.0),  # two in all, however slow
    ],
)
def test_the_latency_is_the_median_of_passes(
    durations: list[float], median: float, monkeypatch: pytest.MonkeyPatch, unhurried: None
) -> None:
    network = Timed(durations, monkeypatch)
    assert latency_seconds(network, (2,)) == pytest.approx(median)
    assert next(network.durations, None) is None


def test_the_latency_is_a_time_that_a_pass_can_take(unhurried: None) -> None:
    assert 1e-7 < latency_seconds(convolutional(), (3, 8, 8)) < 0.3


def test_peak_memory_never_falls() -> None:
    before = peak_memory_bytes(CPU)
    held = torch.ones(8 * 2**20)
    assert peak_memory_bytes(CPU) >= before > 2**20
    assert held.sum() > 0


def package(root: Path, name: str, label: str, energy: int, limit: int = 1_000_000) -> Path:
    zone = root / name
    zone.mkdir(exist_ok=True)
    (zone / "name").write_text(label + "\n")
    (zone / "max_energy_range_uj").write_text(f"{limit}\n")
    (zone / "energy_uj").write_text(f"{energy}\n")
    return zone / "energy_uj"


def test_energy_is_summed_over_packages_and_wraps_around(tmp_path: Path) -> None:
    first = package(tmp_path, "intel-rapl:0", "package-0", 900_000)
    second = package(tmp_path, "intel-rapl:1", "package-1", 0)
    core = package(tmp_path, "intel-rapl:0:0", "core", 0)  # already within its package
    meter = EnergyMeter(CPU, tmp_path)
    meter.start()
    assert meter.joules() == 0.0
    first.write_text("100000")  # wrapped: 0.2 J later
    second.write_text("300000")
    core.write_text("900000")
    assert meter.joules() == pytest.approx(0.5)
    first.write_text("50000")  # and once more: 0.95 J
    assert meter.joules() == pytest.approx(1.45)
    assert meter.covers == ("processor packages",)
    meter.start()
    assert meter.joules() == 0.0


def test_energy_is_none_where_it_cannot_be_read(tmp_path: Path) -> None:
    meter = EnergyMeter(CPU, tmp_path / "nowhere")
    meter.start()
    assert meter.joules() is None
    file = package(tmp_path, "intel-rapl:0", "package-0", 0)
    meter = EnergyMeter(CPU, tmp_path)
    assert meter.joules() is None  # never started
    meter.start()
    file.write_text("forbidden")  # as unreadable as a file that belongs to root
    assert meter.joules() is None


def test_energy_of_a_gpu_that_cannot_be_read_is_not_the_processors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package(tmp_path, "intel-rapl:0", "package-0", 0)
    monkeypatch.setattr(measure, "_nvidia", lambda device: None)
    meter = EnergyMeter(torch.device("cuda"), tmp_path)
    meter.start()
    assert meter.joules() is None


def test_energy_of_a_gpu_is_added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Nvml:
        millijoules = 5000

        def nvmlDeviceGetTotalEnergyConsumption(self, handle: object) -> int:
            return self.millijoules

    nvml = Nvml()
    file = package(tmp_path, "intel-rapl:0", "package-0", 0)
    monkeypatch.setattr(measure, "_nvidia", lambda device: (nvml, None, nvml.millijoules))
    meter = EnergyMeter(torch.device("cuda"), tmp_path)
    meter.start()
    file.write_text("250000")
    nvml.millijoules = 7000
    assert meter.joules() == pytest.approx(2.25)
    assert meter.covers == ("processor packages", "GPU")
