"""Accuracy over seconds of training: a recipe, and the recipe without each of its parts."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from temper.report.frame import INK, PALE, frame

Points = Mapping[str, tuple[list[float], list[float]]]  # seconds and accuracy of each seed, by what was taken out

LEVELS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.91, 0.92, 0.93, 0.94, 0.95, 0.96, 0.97, 0.98, 0.99)
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
    # By the error's logarithm: a part without which nothing is learned leaves room to tell the others apart.
    axes.set_yscale("function", functions=(_of_error, _of_accuracy))
    seconds, values = ([each for seed in points.values() for each in seed[at]] for at in (0, 1))
    ticks = [tick for tick in _minutes(seconds) if min(seconds) * 0.9 <= 60 * tick <= max(seconds) * 1.1]
    axes.set_xticks([60 * tick for tick in ticks], [f"{tick:g}" for tick in ticks])
    axes.set_yticks([level for level in LEVELS if min(values) - 0.04 <= level <= max(values) + 0.006])
    axes.minorticks_off()
    axes.margins(x=0.2, y=0.14)
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


def _minutes(seconds: Sequence[float]) -> Sequence[float]:
    """Return the minutes that are marked: evenly where all times are alike, by ratios where they are not."""
    if max(seconds) > 2 * min(seconds):
        return (1, 2, 4, 5, 6, 8, 10, 15, 20, 30, 60)
    return [float(tick) for tick in MaxNLocator(5).tick_values(min(seconds) / 60, max(seconds) / 60)]


def _of_error(accuracy: Any) -> Any:
    return -np.log(np.clip(1 - np.asarray(accuracy), 1e-4, None))


def _of_accuracy(height: Any) -> Any:
    return 1 - np.exp(-np.asarray(height))
