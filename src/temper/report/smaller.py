"""A network before and after it was made smaller, side by side."""

from collections.abc import Mapping

from rich.table import Table
from rich.text import Text

from temper.report.units import in_bytes, in_count, in_score, in_seconds

Sides = Mapping[str, Mapping[str, float | None]]  # before and after: each figure by its name
HEADING = "made smaller: before, and as delivered"
COUNTED = {
    "parameters": ("parameters", in_count),
    "nonzero_parameters": ("not zero", in_count),
    "multiply_adds": ("multiply-adds", in_count),
    "bytes": ("size", in_bytes),
    "latency_seconds": ("latency", in_seconds),
}


def rows(sides: Sides) -> list[tuple[str, str, str]]:
    """Return (figure, before, after) in human units; what has no unit of its own is a score."""
    found = []
    for name in sides.get("after", {}):
        label, shown = COUNTED.get(name, (name, in_score))
        found.append((label, shown(sides["before"][name]), shown(sides["after"][name])))
    return found


def table(sides: Sides) -> Table:
    """Return ``sides`` as a table for the terminal."""
    shown = Table(title=HEADING, title_justify="left")
    shown.add_column("figure")
    for column in ("before", "after"):
        shown.add_column(column, justify="right")
    for label, before, after in rows(sides):
        shown.add_row(Text(label), before, after)
    return shown
