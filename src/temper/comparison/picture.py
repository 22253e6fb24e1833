"""Methods side by side in one picture: each seed, and the mean with its 95 % interval."""

from collections.abc import Sequence
from pathlib import Path
from textwrap import fill

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from temper.comparison.statistics import interval
from temper.comparison.table import Row
from temper.report.frame import INK, frame

_OWN, _BASELINE = "#4477aa", "#cc6633"
ABOVE = 0.16  # its mean, so that each seed is seen
_NAME = 34  # characters of a method's name on one line


def draw(path: Path, rows: Sequence[Row]) -> None:
    """Write the picture to ``path``; the first row is the baseline's."""
    names = [fill(_name(row), _NAME) for row in rows]
    lines = sum(max(1.6, 1 + name.count("\n")) for name in names)
    figure = Figure(figsize=(7.5, 1.3 + 0.28 * lines), dpi=130, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    for place, row in enumerate(rows):
        mean, colour = row.mean, _OWN if place else _BASELINE
        bounds = interval(row.values)
        if mean is not None and bounds is not None:
            reach = [[mean - bounds[0]], [bounds[1] - mean]]
            axes.errorbar(mean, place, xerr=reach, color=colour, capsize=4, linewidth=1.6)
        axes.plot(
            row.values,
            [place - ABOVE] * len(row.values),
            "o",
            color=colour,
            alpha=0.35,
            markersize=4,
            markeredgewidth=0,
        )
        if mean is not None:
            axes.plot(mean, place, "D", color=colour, markersize=5)
    if rows[0].mean is not None:
        axes.axvline(rows[0].mean, color=_BASELINE, linewidth=0.8, linestyle=":")
    axes.set_yticks(range(len(rows)), names)
    axes.set_ylim(len(rows) - 0.4, -0.6)  # the first above, and a place for one that has no figures
    axes.xaxis.set_major_locator(MaxNLocator(nbins=7))
    axes.set_xlabel(f"{rows[0].metric}: mean, its 95 % interval, and each seed", color=INK)
    frame(axes, levels="x")
    axes.spines["left"].set_visible(False)
    figure.savefig(path)


def _name(row: Row) -> str:
    return f"{row.method.label} ({row.reached})" if row.missed else row.method.label
