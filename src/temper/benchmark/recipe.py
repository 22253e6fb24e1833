"""What a recipe's training costs on this machine, beside what the machine could do.

The clock is the run's own: it runs while training steps are taken, from the first batch to the end of the last epoch,
and stands during validation, while checkpoints are written, and during the test; imports, reading the data and
building the network are before it. On a GPU it is read after the device has been waited for, and CUDA events around the
fit stand beside it. The peak is the rate at which the machine multiplies matrices in bfloat16 or in float32, whichever
is faster, measured before and after the run.
"""

import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import lightning as L
import torch
from rich.table import Table

from temper import bf16
from temper.command.job import Job
from temper.cookbook.standing import compose_recipe
from temper.digest import digest
from temper.experiment import parse
from temper.report.measure import peak_memory_bytes, synchronize
from temper.report.record import Report
from temper.report.units import in_bytes, in_score, in_seconds
from temper.run import run
from temper.strategy import Debug, strategy
from temper.trainer.machine import on_cpu

SIDE = {"cpu": 2048, "cuda": 8192}  # of the square matrices: large enough to be held back by arithmetic alone
PEAK_SECONDS = 1.0


@strategy
class Events(Debug):
    """Looks at nothing but the time: CUDA events around the fit where it is a GPU's."""

    on_gpu: bool

    def callbacks(self, folder: Path) -> list[L.Callback]:
        """Return the callback that records the events."""
        return [_Around(folder / "cuda_seconds")] if self.on_gpu else []


class _Around(L.Callback):
    def __init__(self, file: Path) -> None:
        self.file = file
        self.events = [torch.cuda.Event(enable_timing=True) for _ in range(2)]  # type: ignore[no-untyped-call]

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self.events[0].record()

    def on_train_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self.events[1].record()
        torch.cuda.synchronize()
        self.file.write_text(str(self.events[0].elapsed_time(self.events[1]) / 1000))


def peak_rate(device: torch.device) -> float:
    """Return the multiply-adds a second of matrix products on ``device``: of the fastest, in bfloat16 or float32."""
    side = SIDE.get(device.type, 2048)
    single = torch.randn(side, side, device=device)
    slow_bf16 = device.type == "cpu" and not bf16.native()
    best = float("inf")
    for one in (single,) if slow_bf16 else (single.bfloat16(), single):
        end = time.perf_counter() + PEAK_SECONDS
        while time.perf_counter() < end:
            begun = time.perf_counter()
            one @ one
            synchronize(device)
            best = min(best, time.perf_counter() - begun)
    return side**3 / best


def measure_recipe(name: str, root: str, words: Sequence[str] = ()) -> tuple[Table, dict[str, Any]]:
    """Train recipe ``name`` with the settings ``words`` beside it; return a table and the JSON object.

    Raises:
        Refusal: there is no such recipe; or its data or its settings are at fault.
    """
    rooted = [f"data.root={root}"] if "root" in compose_recipe(name)["data"] else []
    config = compose_recipe(name, [*rooted, *words])
    experiment = parse(config)
    on_gpu = torch.cuda.is_available() and not on_cpu(experiment.trainer.arguments())
    experiment = replace(experiment, debug=Events(on_gpu=on_gpu))
    device = torch.device("cuda" if on_gpu else "cpu")
    before, rates = _resident_bytes(), [peak_rate(device)]
    with tempfile.TemporaryDirectory() as folder:
        report = run(Job(experiment=experiment, config=config, folder=Path(folder) / "run"))
        events = Path(folder) / "run" / "cuda_seconds"
        cuda_seconds = float(events.read_text()) if events.exists() else None
    rates.append(peak_rate(device))
    return _told(name, digest(config), report, max(rates), before, cuda_seconds)


def _told(
    name: str, today: str, report: Report, peak: float, before: int, cuda_seconds: float | None
) -> tuple[Table, dict[str, Any]]:
    cost, speed = report.cost, report.speed
    seconds = cost.seconds or 0.0
    rate = (cost.training_multiply_adds or 0) / seconds if seconds else None
    # A process that held more before, as one of many tests does, does not show what this run added.
    memory = max(0, peak_memory_bytes(torch.device("cpu")) - before)
    found: dict[str, Any] = {
        "benchmark": "recipe",
        "recipe": name,
        "digest": today,
        "device": report.device,
        "metrics": {key: value for key, value in report.metrics.items() if key.startswith("test/")},
        "seconds": seconds,
        "cuda_seconds": cuda_seconds,
        "seconds_to_target": speed.seconds_to_target,
        "examples_per_second": speed.examples_per_second,
        "multiply_adds": cost.training_multiply_adds,
        "multiply_adds_per_second": rate,
        "peak_multiply_adds_per_second": peak,
        "share_of_peak": rate / peak if rate is not None else None,
        "resident_bytes_over_imports": memory,
    }
    table = Table("what", "measured", title=f"{name} on {report.device}", title_justify="left")
    scores = {name: report.metrics.get(name) for name in ("test/accuracy", "test/accuracy_tta")}
    for what, value in (
        ("training", in_seconds(seconds)),
        ("training, by CUDA events", in_seconds(cuda_seconds)),
        ("time to target", in_seconds(speed.seconds_to_target)),
        ("examples/s", f"{speed.examples_per_second or 0:,.0f}"),
        ("multiply-adds of training", f"{cost.training_multiply_adds or 0:.3g}"),
        ("multiply-adds/s", f"{rate or 0:.3g}"),
        ("of them in matrix products, at most", f"{peak:.3g}"),
        ("share of that peak", f"{rate / peak:.1%}" if rate is not None else "-"),
        ("resident memory over the imports'", in_bytes(memory)),
        *((name, in_score(score)) for name, score in scores.items() if score is not None),
    ):
        table.add_row(what, value)
    return table, found


def _resident_bytes() -> int:
    """Return what this process holds in memory now, as far as the system tells."""
    status = Path("/proc/self/status")
    if not status.is_file():
        return peak_memory_bytes(torch.device("cpu"))
    held = next(line for line in status.read_text().splitlines() if line.startswith("VmRSS:"))
    return int(held.split()[1]) * 1024
