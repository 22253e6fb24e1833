"""recipes/results.csv: one row for each seed of a recipe that was measured, by anyone, on any machine.

The key columns come first, then the main metric on each split, ready to plot; ``figures`` holds everything that was
measured (``test/accuracy``, ``cost/joules``, ``complexity/parameters`` ...) as one JSON object.
"""

import csv
import fcntl
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from io import StringIO, TextIOWrapper
from pathlib import Path
from typing import Any

from temper.recipes import ROOT
from temper.refusal import Refusal

RESULTS = ROOT / "recipes" / "results.csv"
TIMED = frozenset(
    {
        "speed/examples_per_second",
        "speed/seconds_to_target",
        "cost/seconds",
        "cost/wall_seconds",
        "cost/joules",  # counted for the whole processor, whoever made it work
        "complexity/latency_seconds",
    }
)  # figures that are the run's own only on a machine that it has to itself


@dataclass(frozen=True, kw_only=True)
class Row:
    """One measured seed; each field is a column.

    Attributes:
        recipe, digest: the recipe, and the method it stood for when it was measured.
        date: UTC day on which the run was entered.
        threads: of one operation on the CPU.
        seconds, wall_seconds: of training; and from command to prompt, over all attempts. None in an untimed row.
        metric: bare name of the main metric, whose value on each split follows; ``val`` chose the checkpoint.
        figures: all that was measured, by name; without those of ``TIMED`` in an untimed row.
    """

    recipe: str
    digest: str
    seed: int
    date: str
    commit: str
    torch: str
    lightning: str
    device: str
    threads: int
    epochs: int
    seconds: float | None
    wall_seconds: float | None
    metric: str
    train: float | None
    val: float | None
    test: float | None
    figures: Mapping[str, float]

    @property
    def key(self) -> tuple[str, str, int]:
        """Return what no two rows share."""
        return self.recipe, self.digest, self.seed


COLUMNS = tuple(field.name for field in fields(Row))


def read(path: Path) -> list[Row]:
    """Return all rows; none where the file is not there yet.

    Raises:
        Refusal: a line is no row; names it.
    """
    if not path.exists():
        return []
    return _parsed(path.read_text(encoding="utf-8"), path)


def figures_of(metric: str, rows: Iterable[Row]) -> list[float]:
    """Return ``metric`` of those of ``rows`` that have it."""
    return [row.figures[metric] for row in rows if metric in row.figures]


def append(row: Row, path: Path) -> bool:
    """Add ``row`` unless its seed stands there already; return whether it was added."""
    with _held(path) as file:
        text = file.read()
        if row.key in {known.key for known in _parsed(text, path)}:
            return False
        file.write(("" if text else _lines([COLUMNS])) + _lines([_cells(row)]))
        return True


def prune(stale: Callable[[Row], bool], path: Path) -> int:
    """Drop the rows that are ``stale``; return how many."""
    if not path.exists():
        return 0
    with _held(path) as file:
        rows = _parsed(file.read(), path)
        kept = [row for row in rows if not stale(row)]
        # Not replaced by a new file: the lock is on this one.
        file.seek(0)
        file.truncate()
        file.write(_lines([COLUMNS, *(_cells(row) for row in kept)]))
        return len(rows) - len(kept)


@contextmanager
def _held(path: Path) -> Iterator[TextIOWrapper]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+", encoding="utf-8", newline="") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        yield file


def _lines(rows: Iterable[Iterable[Any]]) -> str:
    text = StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def _cells(row: Row) -> list[Any]:
    values = asdict(row) | {"figures": json.dumps(dict(row.figures), sort_keys=True, allow_nan=False)}
    return ["" if values[name] is None else values[name] for name in COLUMNS]


def _parsed(text: str, path: Path) -> list[Row]:
    lines = csv.reader(StringIO(text, newline=""))
    header = tuple(next(lines, COLUMNS))
    if header != COLUMNS:
        raise Refusal(f"{path}: its columns are {', '.join(header)}, and must be {', '.join(COLUMNS)}")
    rows = []
    for cells in lines:
        try:
            rows.append(_row(dict(zip(COLUMNS, cells, strict=True))))
        except (ValueError, AttributeError) as fault:
            raise Refusal(f"{path}, line {lines.line_num}: not a row of results ({fault}): mend or delete it") from None
    return rows


def _row(cells: Mapping[str, str]) -> Row:
    whole = {name: int(cells[name]) for name in ("seed", "threads", "epochs")}
    real = {
        name: float(cells[name]) if cells[name] else None
        for name in ("seconds", "wall_seconds", "train", "val", "test")
    }
    figures = json.loads(cells["figures"])  # whole numbers stay whole, so that what is kept is written as it stood
    if wrong := [name for name, value in figures.items() if type(value) not in (int, float)]:
        raise ValueError(f"{wrong[0]} is no number")
    values: dict[str, Any] = {**cells, **whole, **real, "figures": figures}
    return Row(**values)
