"""What a smaller network saves of the time that answers take: a large one against the small one with the same answers.

channels         half of the units of each kind are removed (pruning=channels)
rank, spatial    each layer is brought to a quarter of its rank (low_rank=truncated_svd, by either convolution)
int8             layers of whole numbers take the place of those in floating point (quantization=static)

The networks are fresh. That both answer alike is checked first; of whole numbers, the simulated ones and the true ones.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from rich.table import Table
from torch import Tensor, nn

from temper.benchmark.case import CIFAR, Case, Stopwatch, ratio, take_turns
from temper.low_rank.truncated_svd import TruncatedSVD
from temper.network.compacted import compacted
from temper.network.factored import Convolution
from temper.network.layered import Layered
from temper.network.simulated import in_whole_numbers, layers_of, plain, simulated
from temper.quantity import Clock
from temper.report.measure import multiply_adds, parameter_counts, size_bytes
from temper.report.units import in_seconds

SMALLER = {
    "digits_wide": ("recipe=baseline/digits_mlp", "task.hidden=[2048,2048]"),
    "resnet20": (*CIFAR, "precision=32-true", "channels_last=false"),
}
AT_ONCE = (1, 128)  # examples
RANK = 0.25  # of the most that a layer can have
SCHEMES: tuple[Convolution, ...] = ("channel", "spatial")


def halved(network: Layered) -> Layered:
    """Return ``network``, in eval mode, every other unit of each kind masked."""
    for units in network.units():
        units.remove(torch.arange(len(units)) % 2 == 1)
    return network.eval()


@torch.no_grad()
def rounded(network: Layered, shape: tuple[int, ...]) -> Layered:
    """Return ``network``, in eval mode, its layers simulating whole numbers in ranges that random inputs have shown."""
    network = simulated(network, of_each=False, momentum=None)
    for layer in layers_of(network):
        layer.track_running_stats = True
    network.train()(torch.randn(AT_ONCE[-1], *shape, generator=torch.Generator().manual_seed(1)))
    return network.eval()


def lowered(network: Layered, convolution: Convolution) -> tuple[Layered, Layered]:
    """Return ``network``, in eval mode and at a quarter of its rank where that pays, and the small one that it is."""
    method = TruncatedSVD(rank=RANK, energy=None, start=0.0, convolution=convolution)
    method.callback(Clock((0, 1)), seed=0).begin(network, step=0)
    return network.eval(), method.delivered(network)


def measure_smaller(names: Sequence[str], root: str, seconds: float, rounds: int) -> tuple[Table, dict[str, Any]]:
    """Return a table and the figures of the networks ``names``, in float32; those of low rank by themselves."""
    table = Table(title="large, and small with the same answers", title_justify="left")
    for column in ("network", "smaller by", "examples", "large", "small", "time", "multiply-adds"):
        table.add_column(column, justify="left" if column in ("network", "smaller by") else "right")
    low_rank = {scheme: _empty() for scheme in SCHEMES}
    found: dict[str, Any] = {**_empty(), "low_rank": low_rank, "int8": _empty() | {"ratio_bytes": {}}}
    for name in names:
        case = Case.of(SMALLER[name], root)
        shape = case.batches.facts.shape

        def fresh(case: Case = case) -> Layered:
            network = case.module().network
            assert isinstance(network, Layered)
            return network

        has_convolutions = any(isinstance(layer, nn.Conv2d) for layer in fresh().modules())
        large = halved(fresh())
        ways = {"channels": (large, compacted(large), found)}
        for scheme in SCHEMES if has_convolutions else SCHEMES[:1]:
            ways["rank" if scheme == "channel" else scheme] = *lowered(fresh(), scheme), low_rank[scheme]
        simulation = rounded(fresh(), shape)
        ways["int8"] = plain(simulation), in_whole_numbers(simulation), found["int8"]
        found["int8"]["ratio_bytes"][name] = round(size_bytes(ways["int8"][1]) / size_bytes(fresh()), 3)
        for way, (large, small, figures) in ways.items():
            compared = _compared(large, small, simulation if way == "int8" else large, shape, seconds, rounds)
            adds = round(multiply_adds(small, shape)[0] / multiply_adds(large, shape)[0], 3)
            figures["ratio_multiply_adds"][name] = adds
            figures["ratio_parameters"][name] = round(parameter_counts(small)[0] / parameter_counts(large)[0], 3)
            figures["ratio_time"][name] = {examples: time for examples, (*_, time) in compared.items()}
            for examples, (before, after, time) in compared.items():
                table.add_row(name, way, examples, in_seconds(before), in_seconds(after), str(time), str(adds))
    return table, {"benchmark": "smaller", **found}


def _empty() -> dict[str, dict[str, Any]]:
    return {"ratio_time": {}, "ratio_multiply_adds": {}, "ratio_parameters": {}}


def _compared(
    large: nn.Module, small: nn.Module, alike: nn.Module, shape: tuple[int, ...], seconds: float, rounds: int
) -> dict[str, tuple[float, float, float]]:
    """Return by the number of examples the seconds of ``large`` and of ``small``, and the ratio of their times.

    ``small`` must answer as ``alike`` does.
    """
    found = {}
    for examples in AT_ONCE:
        inputs = torch.randn(examples, *shape, generator=torch.Generator().manual_seed(0))
        with torch.inference_mode():
            torch.testing.assert_close(small(inputs), alike(inputs), rtol=1e-4, atol=1e-5)
            rivals = {"large": large, "small": small}
            taken = take_turns({key: partial(_block, each, inputs, seconds) for key, each in rivals.items()}, rounds)
        time = round(ratio(taken["small"], taken["large"]), 3)
        found[str(examples)] = min(taken["large"]), min(taken["small"]), time
    return found


def _block(network: nn.Module, inputs: Tensor, seconds: float) -> float:
    watch = Stopwatch(seconds)
    while True:
        network(inputs)
        if watch.tick():
            return watch.per_step
