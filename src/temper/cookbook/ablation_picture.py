"""Accuracy over seconds of training: a recipe, and the recipe without each of its parts."""

from collections.abc import Mapping
from pathlib import Path
from statistics import fmean

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from temper.report.frame import INK, PALE, frame

Points = Mapping[str, tuple[list[float], list[float]]]  # seconds and accuracy of each seed, by what was taken out

_WHOLE, _WITHOUT = "#cc6633", "#4477aa"
_WIDE, _LINE = 0.27, 0.034  # shares of the axes that a name takes: width, height


def draw(path: Path, points: Points) -> None:
    """Write the picture to ``path``; ``points`` holds each seed's seconds and accuracy, the whole recipe's first."""
    figure = Figure(figsize=(8, 5), dpi=130, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    for place, (seconds, values) in enumerate(points.values()):
        colour = _WITHOUT if place else _WHOLE
        axes.plot(seconds, values, "o", color=colour, alpha=0.3, markersize=4, markeredgewidth=0)
        axes.plot(fmean(seconds), fmean(values), "D", color=colour, markersize=6)
    axes.set_xscale("log")
    ticks = [tick for tick in (60, 120, 240, 300, 360, 480, 600, 900, 1200, 1800, 3600) if _within(tick, points)]
    axes.set_xticks(ticks, [f"{tick / 60:g}" for tick in ticks])
    axes.minorticks_off()
    axes.margins(x=0.18, y=0.12)
    axes.set_xlabel("minutes of training", color=INK)
    axes.set_ylabel("test accuracy, with test-time augmentation", color=INK)
    frame(axes, levels="both")
    _name(figure, axes, points)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)


def _name(figure: Figure, axes: Axes, points: Points) -> None:
    """Write each method's name beside its mean, one below the other where they would cover each other."""
    figure.draw_without_rendering()  # so that the axes know their limits
    to_share = (axes.transData + axes.transAxes.inverted()).transform  # data -> shares of the axes' width and height
    means = [(name, *to_share((fmean(seconds), fmean(values)))) for name, (seconds, values) in points.items()]
    placed: list[tuple[float, float]] = []
    for name, x, y in sorted(means, key=lambda mean: (-mean[2], mean[1])):
        own = y + 0.015
        while any(abs(x - other) < _WIDE and abs(own - height) < _LINE for other, height in placed):
            own -= 0.004
        placed.append((x, own))
        first = name == next(iter(points))
        axes.annotate(
            "the recipe" if first else f"without {name}",
            (x, y),
            xytext=(x + 0.025, own),
            xycoords="axes fraction",
            textcoords="axes fraction",
            fontsize=8,
            va="center",
            color=_WHOLE if first else INK,
            arrowprops={
                "arrowstyle": "-",
                "color": PALE,
                "linewidth": 0.7,
                "shrinkA": 0,
                "shrinkB": 4,
                "relpos": (0, 0.5),
            },
        )


def _within(tick: float, points: Points) -> bool:
    every = [second for seconds, _ in points.values() for second in seconds]
    return 0.7 * min(every) <= tick <= 1.4 * max(every)
