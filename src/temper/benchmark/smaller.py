"""What removing channels saves of the time that answers take: a masked network against the small one it stands for.

Half of the units of each kind are removed from a fresh network; both give the same answers, which is checked first.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from rich.table import Table
from torch import Tensor, nn

from temper.benchmark.case import CIFAR, Case, Stopwatch, ratio, take_turns
from temper.network.compacted import compacted
from temper.network.layered import Layered
from temper.report.measure import multiply_adds, parameter_counts
from temper.report.units import in_seconds

SMALLER = {
    "digits_wide": ("recipe=baseline/digits_mlp", "task.hidden=[2048,2048]"),
    "resnet20": (*CIFAR, "precision=32-true", "channels_last=false"),
}
AT_ONCE = (1, 128)  # examples


def halved(network: Layered) -> Layered:
    """Return ``network``, in eval mode, every other unit of each kind masked."""
    for units in network.units():
        units.remove(torch.arange(len(units)) % 2 == 1)
    return network.eval()


def measure_smaller(names: Sequence[str], root: str, seconds: float, rounds: int) -> tuple[Table, dict[str, Any]]:
    """Return a table and the figures of the networks ``names``, in float32."""
    table = Table(title="half of the channels removed: masked, and gone", title_justify="left")
    for column in ("network", "examples", "masked", "gone", "time", "multiply-adds"):
        table.add_column(column, justify="right" if column != "network" else "left")
    found: dict[str, dict[str, Any]] = {"ratio_time": {}, "ratio_multiply_adds": {}, "ratio_parameters": {}}
    for name in names:
        case = Case.of(SMALLER[name], root)
        shape, network = case.batches.facts.shape, case.module().network
        assert isinstance(network, Layered)
        masked = halved(network)
        small = compacted(masked)
        rivals = {"masked": masked, "gone": small}
        found["ratio_multiply_adds"][name] = round(multiply_adds(small, shape)[0] / multiply_adds(masked, shape)[0], 3)
        found["ratio_parameters"][name] = round(parameter_counts(small)[0] / parameter_counts(masked)[0], 3)
        found["ratio_time"][name] = {}
        for examples in AT_ONCE:
            inputs = torch.randn(examples, *shape, generator=torch.Generator().manual_seed(0))
            with torch.inference_mode():
                torch.testing.assert_close(small(inputs), masked(inputs), rtol=1e-4, atol=1e-5)
                blocks = {
                    key: partial(_block, each, inputs, seconds) for key, each in (("masked", masked), ("gone", small))
                }
                taken = take_turns(blocks, rounds)
            found["ratio_time"][name][str(examples)] = round(ratio(taken["gone"], taken["masked"]), 3)
            table.add_row(
                name,
                str(examples),
                *(in_seconds(min(taken[key])) for key in rivals),
                *(str(each) for each in (found["ratio_time"][name][str(examples)], found["ratio_multiply_adds"][name])),
            )
    return table, {"benchmark": "smaller", **found}


def _block(network: nn.Module, inputs: Tensor, seconds: float) -> float:
    watch = Stopwatch(seconds)
    while True:
        network(inputs)
        if watch.tick():
            return watch.per_step
