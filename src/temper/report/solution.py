"""What a small model learned beside the solution that is known without gradient descent."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from rich.table import Table
from rich.text import Text

SHOWN = 12  # coefficients; of more, those that differ most
Coefficients = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True)
class Solution:
    """Each coefficient by name as (learned, reference), and what a reader of them must know; empty: none is known."""

    coefficients: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def distance(self) -> float:
        """Return the Euclidean distance of what was learned to the reference."""
        return math.dist(*zip(*self.coefficients.values(), strict=True))


def rows(solution: Coefficients) -> list[tuple[str, float, float, float]]:
    """Return (name, learned, reference, difference) of at most `SHOWN` coefficients, in their order."""
    every = [(name, each["learned"], each["reference"]) for name, each in solution.items()]
    kept = set(sorted(solution, key=lambda name: -abs(solution[name]["learned"] - solution[name]["reference"]))[:SHOWN])
    return [(name, learned, reference, learned - reference) for name, learned, reference in every if name in kept]


def heading(solution: Coefficients) -> str:
    """Return what the table of ``solution`` shows."""
    few = f", the {SHOWN} of {len(solution)} coefficients that differ most" if len(solution) > SHOWN else ""
    return f"learned, and the solution{few}"


def table(solution: Coefficients) -> Table:
    """Return ``solution`` as a table for the terminal."""
    shown = Table(title=heading(solution), title_justify="left")
    shown.add_column("coefficient")
    for column in ("learned", "solution", "difference"):
        shown.add_column(column, justify="right")
    for name, learned, reference, difference in rows(solution):
        shown.add_row(Text(name), f"{learned:.6g}", f"{reference:.6g}", f"{difference:+.1e}")
    return shown
