"""Accuracy over seconds of training: a recipe, and the recipe without each of its parts."""

from collections.abc import Mapping
from pathlib import Path
from statistics import fmean

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

_INK, _WHOLE, _WITHOUT = "#444444", "#cc6633", "#4477aa"


def draw(path: Path, points: Mapping[str, tuple[list[float], list[float]]]) -> None:
    """Write the picture to ``path``; ``points`` holds each seed's seconds and accuracy, the whole recipe's first."""
    figure = Figure(figsize=(8, 5), dpi=130, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    for place, (name, (seconds, values)) in enumerate(points.items()):
        colour = _WITHOUT if place else _WHOLE
        axes.plot(seconds, values, "o", color=colour, alpha=0.3, markersize=4, markeredgewidth=0)
        axes.plot(fmean(seconds), fmean(values), "D", color=colour, markersize=6)
        axes.annotate(
            f"without {name}" if place else "the recipe",
            (fmean(seconds), fmean(values)),
            xytext=(6, 5),
            textcoords="offset points",
            fontsize=8,
            color=_INK if place else _WHOLE,
        )
    axes.set_xscale("log")
    ticks = [tick for tick in (60, 120, 240, 300, 360, 480, 600, 900, 1200, 1800, 3600) if _within(tick, points)]
    axes.set_xticks(ticks, [f"{tick / 60:g}" for tick in ticks])
    axes.minorticks_off()
    axes.margins(x=0.18, y=0.12)
    axes.set_xlabel("minutes of training", color=_INK)
    axes.set_ylabel("test accuracy, with test-time augmentation", color=_INK)
    axes.grid(color="#e4e4e4", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(colors=_INK, labelsize=9)
    axes.spines[["top", "right"]].set_visible(False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)


def _within(tick: float, points: Mapping[str, tuple[list[float], list[float]]]) -> bool:
    every = [second for seconds, _ in points.values() for second in seconds]
    return 0.7 * min(every) <= tick <= 1.4 * max(every)
