"""A model's coefficients beside the known solution: which are shown."""

import io

import pytest
from rich.console import Console

from temper.report.solution import Solution, heading, rows, table


def differing_by(*differences: float) -> dict[str, dict[str, float]]:
    return {f"w[{index}]": {"learned": 1 + each, "reference": 1.0} for index, each in enumerate(differences)}


def test_distance_is_euclidean() -> None:
    assert Solution({"w[0]": (3.0, 0.0), "bias": (1.0, 5.0)}).distance == 5.0


def test_of_many_coefficients_those_that_differ_most_are_shown_in_their_order() -> None:
    solution = differing_by(*[0.0] * 7, -9.0, *range(1, 12))
    shown = [name for name, *_ in rows(solution)]
    assert shown == [f"w[{index}]" for index in range(7, 19)]
    assert heading(solution) == "learned, and the solution, the 12 of 19 coefficients that differ most"


def test_the_table_holds_what_was_learned_and_the_reference() -> None:
    console = Console(file=io.StringIO(), width=100)
    console.print(table({"w[0]": {"learned": 2.5, "reference": 2.0}}))
    assert isinstance(console.file, io.StringIO)
    line = next(line for line in console.file.getvalue().splitlines() if "w[0]" in line)
    assert [cell.strip() for cell in line.strip("│ ").split("│")] == ["w[0]", "2.5", "2", "+5.0e-01"]


def test_the_difference_is_learned_minus_reference() -> None:
    assert rows(differing_by(-0.5)) == [("w[0]", 0.5, 1.0, pytest.approx(-0.5))]
