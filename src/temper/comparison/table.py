"""One table over methods and their seeds, each held against a baseline."""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from io import StringIO
from statistics import fmean
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from temper.comparison.methods import Method
from temper.comparison.statistics import Interval, deviation, in_interval, in_spread, same, welch
from temper.metric import BETTER
from temper.refusal import Refusal, nearest
from temper.report.units import in_bytes, in_count, in_score, in_seconds

NOISE = "no difference that can be told from noise"
ALONE = "one seed cannot be told from noise"
TIED = "seeds do not differ: no interval"
EQUAL = "equal"
TIME, WORK, GAP = "cost/seconds", "cost/training_multiply_adds", "generalisation/gap"
TO_TARGET = "speed/seconds_to_target"
PARAMETERS, SIZE = "complexity/parameters", "complexity/bytes"
COUNTED = (WORK, PARAMETERS, SIZE, "complexity/nonzero_parameters", "complexity/multiply_adds")  # not measured
IN_BYTES = "bytes"  # the end of a figure's name that is one of bytes
WIDTH = 160  # of text that no terminal bounds
COLUMNS = (
    "method", "recipe", "digest", "n", "seeds", "metric", "mean", "standard_deviation",
    "difference", "low", "high", "interval", "verdict",
    "seconds", "multiply_adds", "gap", "parameters", "bytes", "failed", "unfinished", "reached",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Row:
    """One method's figures.

    Attributes:
        values: of the metric, by seed; none where no run finished.
        missed: how many runs finished without reaching their target, where the metric is the time to it.
        difference: of the means, to the baseline; None for the baseline, and without a mean of both.
        interval: 95 % of the difference (Welch); None without one, where a seed is alone, and where no seed differs
            from another, unless it is of what is counted: that is exact.
        verdict: what the interval says; empty without a difference.
        seconds, work, gap, parameters, size: means over seeds, the last in bytes; None where it was not measured.
    """

    method: Method
    metric: str
    values: Sequence[float]
    missed: int
    difference: float | None
    interval: Interval | None
    verdict: str
    seconds: float | None
    work: float | None
    gap: float | None
    parameters: float | None
    size: float | None

    @property
    def mean(self) -> float | None:
        """Return the mean of the metric; None where no run finished, or one did not reach its target."""
        return None if self.missed or not self.values else fmean(self.values)

    @property
    def reached(self) -> str:
        """Return how many of the runs that finished reached their target, such as ``2 of 3 reached``."""
        return f"{len(self.values)} of {len(self.values) + self.missed} reached"


def rows(methods: Sequence[Method], baseline: Method, metric: str | None) -> list[Row]:
    """Return a row for each method, the baseline's first.

    Raises:
        Refusal: there is no such metric, or a run has not measured it: but the time to a target that it had.
    """
    finished = [run for method in methods for run in method.runs.values()]
    known = {name for run in finished for name in run.figures}
    known |= {TO_TARGET for run in finished if run.target is not None}
    name = metric or f"test/{baseline.first.metric}"
    if name not in known:
        raise Refusal(f"--metric {name}: none of the runs has measured it; {nearest(name, known)}")
    for run in finished:
        if name not in run.figures and not (name == TO_TARGET and run.target is not None):
            raise Refusal(f"{run.folder} has not measured {name}: choose another --metric, or leave the run out")
    return [_row(method, baseline, name) for method in sorted(methods, key=lambda each: each is not baseline)]


def text(rows: Sequence[Row], console: Console) -> None:
    """Print the rows as a table for people."""
    table = Table(box=None, pad_edge=False)
    for column in _headers(rows):
        table.add_column(column, overflow="fold", justify="left" if column in ("method", "verdict") else "right")
    for place, row in enumerate(rows):
        table.add_row(*(Text(cell) for cell in _cells(row, first=place == 0)))
    console.print(table)


def as_markdown(rows: Sequence[Row], notes: Iterable[str]) -> str:
    """Return the rows as a Markdown table, with the notes beneath it."""
    told = "\n".join(f"- {note}" for note in notes)
    return f"{markdown(_headers(rows), [_cells(row, first=place == 0) for place, row in enumerate(rows)])}\n\n{told}\n"


def markdown(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table; a bar within a cell becomes one that Markdown does not read."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(str(cell).replace('|', '∣') for cell in line)} |" for line in lines)


def as_csv(rows: Sequence[Row]) -> str:
    """Return the rows as CSV, every number as it is."""
    file = StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows:
        low, high = row.interval or (None, None)
        method = row.method
        failed = sum(run.state == "failed" for run in method.lost.values())
        values: list[Any] = [
            method.name, method.first.choices.get("recipe"), method.digest, len(method.runs),
            " ".join(str(seed) for seed in sorted(method.runs)), row.metric, row.mean,
            None if row.missed else deviation(row.values),
            row.difference, low, high, None if row.interval is None else "Welch", row.verdict,
            row.seconds, row.work, row.gap, row.parameters, row.size, failed, len(method.lost) - failed,
            len(row.values) if row.metric == TO_TARGET else None,
        ]  # fmt: skip
        writer.writerow(["" if value is None else value for value in values])
    return file.getvalue()


def _row(method: Method, baseline: Method, metric: str) -> Row:
    values, theirs = method.values(metric), baseline.values(metric)
    missed = len(method.runs) - len(values)
    comparable = bool(values and theirs) and not missed and len(theirs) == len(baseline.runs)
    difference, interval, verdict = None, None, ""
    if comparable and method is not baseline:
        difference, alike = fmean(values) - fmean(theirs), same(values, theirs)
        exact = alike is not None and metric in COUNTED
        interval = (difference, difference) if exact else welch(values, theirs)
        equal = metric in COUNTED and len({*values, *theirs}) == 1  # of one seed, too: nothing of it is chance
        verdict = EQUAL if equal else _verdict(metric, interval, alike)
    means = {name: found for name in (TIME, WORK, GAP, PARAMETERS, SIZE) if (found := method.values(name))}
    return Row(
        method=method,
        metric=metric,
        values=values,
        missed=missed,
        difference=difference,
        interval=interval,
        verdict=verdict,
        seconds=fmean(means[TIME]) if TIME in means else None,
        work=fmean(means[WORK]) if WORK in means else None,
        gap=fmean(means[GAP]) if GAP in means else None,
        parameters=fmean(means[PARAMETERS]) if PARAMETERS in means else None,
        size=fmean(means[SIZE]) if SIZE in means else None,
    )


def _verdict(metric: str, interval: Interval | None, alike: float | None) -> str:
    if interval is None:
        return ALONE if alike is None else TIED
    low, high = interval
    if low <= 0 <= high:
        return NOISE
    rises = low > 0
    direction = BETTER.get(metric.partition("/")[2]) if metric.partition("/")[0] in ("train", "val", "test") else None
    if direction is None:
        return "higher" if rises else "lower"
    return "better" if rises == (direction == "max") else "worse"


def _headers(rows: Sequence[Row]) -> list[str]:
    return [
        "method",
        "seeds",
        rows[0].metric,
        "difference, 95 %",
        "verdict",
        "time",
        "multiply-adds",
        "gap",
        "parameters",
        "size",
    ]


def _cells(row: Row, first: bool) -> list[str]:
    return [
        row.method.name,
        row.method.count,
        _spread(row),
        "baseline" if first else _against(row),
        row.verdict,
        in_seconds(row.seconds),
        in_count(row.work),
        in_score(row.gap) if row.gap is None else f"{row.gap:+.4f}",
        in_count(row.parameters),
        in_bytes(row.size),
    ]


def _spread(row: Row) -> str:
    if row.mean is None:
        return row.reached if row.missed else "-"
    mean, apart = row.mean, deviation(row.values)
    if not row.metric.endswith(IN_BYTES):
        return in_spread((mean, apart))
    return in_bytes(mean) + ("" if apart is None else f" ± {in_bytes(apart)}")


def _against(row: Row) -> str:
    if row.difference is None:
        return "-"
    if row.metric.endswith(IN_BYTES):
        bounds = dict.fromkeys(row.interval or [row.difference])
        return " to ".join(f"{'-' if bound < 0 else '+'}{in_bytes(abs(bound))}" for bound in bounds)
    exact = row.interval is None or row.interval[0] == row.interval[1]
    return f"{row.difference:+.4f}" if exact else in_interval(row.interval)
