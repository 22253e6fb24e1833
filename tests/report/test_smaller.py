"""Before and after side by side: in words that a person reads, in the order in which they were measured."""

import io

from rich.console import Console

from temper.report.smaller import rows, table

SIDES = {
    "before": {
        "val/accuracy": None, "parameters": 2000, "nonzero_parameters": 1990, "multiply_adds": 3_000_000,
        "bytes": 8192, "latency_seconds": 0.002,
    },
    "after": {
        "val/accuracy": 0.9, "parameters": 500, "nonzero_parameters": 490, "multiply_adds": 750_000,
        "bytes": 2048, "latency_seconds": 0.0005,
    },
}  # fmt: skip


def test_each_figure_has_its_unit() -> None:
    assert rows(SIDES) == [
        ("val/accuracy", "not measured", "0.9000"),
        ("parameters", "2,000", "500"),
        ("not zero", "1,990", "490"),
        ("multiply-adds", "3 million", "750,000"),
        ("size", "8.0 KiB", "2.0 KiB"),
        ("latency", "2 ms", "500 µs"),
    ]


def test_a_run_that_removed_nothing_has_no_rows() -> None:
    assert rows({}) == []


def test_the_table_shows_both_sides() -> None:
    console = Console(file=io.StringIO(), width=100, record=True)
    console.print(table(SIDES))
    lines = [line.split() for line in console.export_text().splitlines()]
    assert ["│", "parameters", "│", "2,000", "│", "500", "│"] in lines
