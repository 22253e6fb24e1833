"""metrics.csv: one row a flush, one column a quantity; columns may join later."""

import csv
from collections.abc import Mapping
from pathlib import Path


class MetricsFile:
    """The run's metrics as a table on disk; ``step`` is its first column."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.columns: list[str] = []

    def rewind(self, step: int) -> None:
        """Drop the rows after ``step``: an earlier attempt wrote them, and they will be made again."""
        rows = read_rows(self.path)
        if rows:
            self.columns = list(rows[0])
            self._write([row for row in rows if int(row["step"]) <= step])

    def append(self, row: Mapping[str, float | int]) -> None:
        """Add a row."""
        new = [name for name in row if name not in self.columns]
        if new:
            rows = read_rows(self.path)
            self.columns += new
            self._write(rows)
        with self.path.open("a", newline="") as file:
            csv.DictWriter(file, self.columns).writerow(row)

    def _write(self, rows: list[dict[str, str]]) -> None:
        partial = self.path.with_suffix(".partial")
        with partial.open("w", newline="") as file:
            writer = csv.DictWriter(file, self.columns)
            writer.writeheader()
            writer.writerows(rows)
        partial.replace(self.path)


def read_rows(path: Path) -> list[dict[str, str]]:
    """Return the whole rows of a metrics.csv; a kill may have cut the last one short. No file: no rows."""
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return [row for row in csv.DictReader(file) if None not in row and None not in row.values()]
