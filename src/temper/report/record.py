"""What a run leaves behind: ``report.json`` as a record, how its promise is judged, and how it is shown.

A measurement that this machine cannot make is None, ``null`` in the file; so is a value that is not finite.
"""

import json
import math
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from rich.console import Console
from rich.table import Table
from rich.text import Text

from temper.metric import over_views
from temper.report import smaller, solution
from temper.report.units import (
    UNMEASURED,
    in_bytes,
    in_count,
    in_joules,
    in_privacy,
    in_score,
    in_seconds,
    in_worst_class,
)

FILE = "report.json"
State = Literal["running", "paused", "finished", "failed", "stopped"]
Promise = Literal["kept", "broken", "not comparable", "none"]


@dataclass
class Score:
    """The validation metric of the checkpoint that validation chose."""

    metric: str
    value: float | None
    better: Literal["max", "min"]


@dataclass
class Speed:
    """How fast the run trained, and how soon it reached its target."""

    examples_per_second: float | None = None
    seconds_to_target: float | None = None


@dataclass
class Cost:
    """What training took: ``seconds`` of training only, ``wall_seconds`` from command to prompt."""

    training_multiply_adds: int | None = None
    seconds: float | None = None
    wall_seconds: float | None = None
    peak_memory_bytes: int | None = None
    joules: float | None = None


@dataclass
class Generalisation:
    """The main metric on the test set, and how much better it is on the training set."""

    test: float | None = None
    gap: float | None = None


@dataclass
class Complexity:
    """The size of the network; multiply-adds and latency are those of one example, forward."""

    parameters: int | None = None
    nonzero_parameters: int | None = None
    multiply_adds: int | None = None
    bytes: int | None = None
    latency_seconds: float | None = None


@dataclass
class Attempt:
    """One start in the run's folder, how far it came, and what it took: seconds of training and in all."""

    from_step: int
    last_step: int
    seconds: float = 0.0
    examples: int = 0
    joules: float | None = None
    wall_seconds: float = 0.0


@dataclass
class Report:
    """The content of ``report.json``; each field is a key of it."""

    command: str
    state: State = "running"
    digest: str = ""
    commit: str | None = None
    versions: dict[str, str] = field(default_factory=dict)
    device: str = ""
    choices: dict[str, str | list[str]] = field(default_factory=dict)
    tuned: dict[str, bool] = field(default_factory=dict)
    metrics: dict[str, float | None] = field(default_factory=dict)
    score: Score | None = None
    speed: Speed = field(default_factory=Speed)
    cost: Cost = field(default_factory=Cost)
    generalisation: Generalisation = field(default_factory=Generalisation)
    complexity: Complexity = field(default_factory=Complexity)
    promise: Promise = "none"
    attempts: list[Attempt] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    per_class: dict[str, float | None] = field(default_factory=dict)
    stopped: str | None = None
    seed: int | None = None
    epochs: int | None = None
    solution: dict[str, dict[str, float]] = field(default_factory=dict)
    privacy: dict[str, float] | None = None  # what was promised, and the epsilon that was spent
    smaller: dict[str, dict[str, float | None]] = field(default_factory=dict)  # before, after: score and complexity
    target: float | None = None  # what the time to target is measured to
    processes: int = 1  # that trained together, on all machines
    threads: int | None = None  # of one operation on the CPU, in each process
    contents: dict[str, str] = field(default_factory=dict)  # checksums of one's own data, as Splits has them
    forked: bool = False  # began with its libraries imported: wall time and peak memory leave that out

    @property
    def returned(self) -> float:
        """Return what a search is told: the score, nan where there is none."""
        return math.nan if self.score is None or self.score.value is None else self.score.value

    def save(self, folder: Path) -> None:
        """Write ``report.json`` into ``folder`` so that a reader finds the old one or the new one, never a part."""
        text = json.dumps(_finite(asdict(self)), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=folder, prefix=f".{FILE}.", delete=False) as file:
            file.write(text)
        temporary = Path(file.name)
        temporary.chmod(0o644)  # a temporary file is born private
        temporary.replace(folder / FILE)

    @classmethod
    def load(cls, folder: Path) -> "Report":
        """Return the report that lies in ``folder``.

        Raises:
            FileNotFoundError: there is none.
            ValueError: the file is no report of this version; names it.
        """
        path = folder / FILE
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            parts = {"speed": Speed, "cost": Cost, "generalisation": Generalisation, "complexity": Complexity}
            made: dict[str, Any] = {name: part(**values[name]) for name, part in parts.items()}
            made["score"] = Score(**values["score"]) if values["score"] is not None else None
            made["attempts"] = [Attempt(**attempt) for attempt in values["attempts"]]
            return cls(**{**values, **made})
        except (json.JSONDecodeError, KeyError, TypeError) as error:
            raise ValueError(f"{path} is not a report that this version of temper wrote: {error}") from error


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def judge_promise(
    metric: str, value: float, tolerance: float, better: Literal["max", "min"], measured: dict[str, float | None]
) -> Literal["kept", "broken"]:
    """Return whether ``measured[metric]`` is not worse than ``value`` by more than ``tolerance``.

    A metric that was not measured, or is not finite, keeps no promise.
    """
    reached = measured.get(metric)
    if reached is None or not math.isfinite(reached):
        return "broken"
    shortfall = value - reached if better == "max" else reached - value
    rounding = 1e-12 * max(1.0, abs(value))  # 0.9 - 0.89 is a hair more than 0.01
    return "kept" if shortfall <= tolerance + rounding else "broken"


def main_metric(report: Report) -> str:
    """Return the bare name of the metric that the run is judged by, such as ``accuracy``."""
    if report.score is not None:
        return report.score.metric.partition("/")[2] or report.score.metric
    known = ("accuracy", "rmse")
    return next((name for name in known if any(key.endswith(f"/{name}") for key in report.metrics)), "metric")


def figures(report: Report) -> dict[str, list[str]]:
    """Return the four figures by name, each as phrases in human units: the first phrase is the one that counts."""
    speed, cost, size = report.speed, report.cost, report.complexity
    general, metric = report.generalisation, main_metric(report)
    rate = UNMEASURED if speed.examples_per_second is None else f"{in_count(speed.examples_per_second)} examples/s"
    gap = UNMEASURED if general.gap is None else f"{general.gap:+.4f}"
    missed = report.target is not None and speed.seconds_to_target is None
    to_target = "not reached" if missed else in_seconds(speed.seconds_to_target)
    return {
        "speed": [rate, f"time to target {to_target}"],
        "cost": [
            f"{in_seconds(cost.seconds)} training",
            f"{in_seconds(cost.wall_seconds)} in all",
            f"{in_count(cost.training_multiply_adds)} multiply-adds",
            f"peak memory {in_bytes(cost.peak_memory_bytes)}",
            f"energy {in_joules(cost.joules)}",
        ],
        "generalisation": [f"test {metric} {in_score(general.test)}", f"train-test gap {gap}"],
        "complexity": [
            f"{in_count(size.parameters)} parameters",
            f"{in_count(size.nonzero_parameters)} not zero",
            f"{in_count(size.multiply_adds)} multiply-adds",
            f"size {in_bytes(size.bytes)}",
            f"latency {in_seconds(size.latency_seconds)}",
        ],
    }


def metric_rows(report: Report) -> list[tuple[str, dict[str, float | None]]]:
    """Return each metric's name with its value on train, val and test (those that were measured), main ones first."""
    rows: dict[str, dict[str, float | None]] = {}
    for key, value in report.metrics.items():
        split, slash, name = key.partition("/")
        if slash and split in ("train", "val", "test"):
            rows.setdefault(name, {})[split] = value
    main = main_metric(report)
    return sorted(rows.items(), key=lambda row: (row[0] != main, row[0] != over_views(main)))


def show(report: Report, console: Console) -> None:
    """Print the metrics, the worst class and the notes, and as the last four lines the four figures."""
    table = Table(title=f"{report.state}: {report.stopped}" if report.stopped else report.state, title_justify="left")
    table.add_column("metric")
    for split in ("train", "val", "test"):
        table.add_column(split, justify="right")
    for name, values in metric_rows(report):
        cells = [in_score(values[split]) if split in values else "" for split in ("train", "val", "test")]
        table.add_row(Text(name), *cells)
    if table.row_count:
        console.print(table)
    if report.solution:
        console.print(solution.table(report.solution))
    if report.smaller:
        console.print(smaller.table(report.smaller))

    def line(text: str, style: str = "") -> None:
        console.print(Text(text, style=style), soft_wrap=True, highlight=False)

    if (worst := in_worst_class(report.per_class)) is not None:
        line(worst)
    if report.promise != "none":
        line(f"promise: {report.promise}", "bold red" if report.promise == "broken" else "")
    if report.privacy:
        line(in_privacy(report.privacy))
    for note in report.notes:
        line(f"note: {note}")
    for name, phrases in figures(report).items():
        line(f"{name:<16}{' · '.join(phrases)}")
